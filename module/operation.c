#define _GNU_SOURCE
#include "operation.h"

#include <string.h>

/* So much data is collected before it is sent: what has no more is one call, and can be made again with another agent. */
enum { PART = 256 << 10 };

/* How often a key may still be used: an attribute of CardContact's module. */
#define CKA_USES_LEFT 0x80000108UL

/* A block of AES, which is as much as a cipher keeps waiting, or pads with. */
enum { BLOCK = 16 };

static const struct {
	CK_FLAGS flag;
	CK_ATTRIBUTE_TYPE usage;
	bool collects; /* it gives no output before its end */
} kinds[KINDS] = {
	[ENCRYPT] = {CKF_ENCRYPT, CKA_ENCRYPT, false},
	[DECRYPT] = {CKF_DECRYPT, CKA_DECRYPT, false},
	[SIGN] = {CKF_SIGN, CKA_SIGN, true},
	[VERIFY] = {CKF_VERIFY, CKA_VERIFY, true},
	[DIGEST] = {CKF_DIGEST, 0, true},
	[SIGN_RECOVER] = {CKF_SIGN_RECOVER, CKA_SIGN_RECOVER, false},
	[VERIFY_RECOVER] = {CKF_VERIFY_RECOVER, CKA_VERIFY_RECOVER, false},
};

void operation_clear(struct operation *o) {
	wipe_writer(&o->beginning);
	wipe_writer(&o->signature);
	wipe_writer(&o->data);
	wipe_writer(&o->kept);
	*o = (struct operation){.active = false};
}

/* One call of the operation. Its output stays in the call, which the caller ends. */
static CK_RV crypt(struct session *s, enum kind kind, enum stage stage, const struct passage *p, struct call *c, struct reader *out) {
	struct operation *o = &s->operations[kind];
	bool beginning = !o->begun && stage != CANCEL;
	session_call(c, s, CRYPT);
	put_number(&c->out, kind);
	put_number(&c->out, stage);
	put_number(&c->out, beginning);
	if (beginning)
		put_bytes(&c->out, o->beginning.bytes, o->beginning.used);
	put_string(&c->out, p->data, p->dataLen);
	put_string(&c->out, p->signature, p->signatureLen);
	CK_RV rv = session_send(c, s, stage == SINGLE || stage == CANCEL);
	if (c->out.rv == CKR_OK) /* otherwise nothing was sent, and the agent still has what it had */
		o->begun = rv == CKR_OK && (stage == BEGIN || stage == UPDATE);
	*out = (struct reader){.failed = false};
	if (rv == CKR_OK)
		out->at = get_string(&c->in, &out->left);
	/* The agent has no buffer that could be too small, and here this would mean that the operation goes on. */
	return (rv == CKR_OK && c->in.failed) || rv == CKR_BUFFER_TOO_SMALL ? CKR_DEVICE_ERROR : rv;
}

/* One call that has no output. */
static CK_RV crypt_data(struct session *s, enum kind kind, enum stage stage, const CK_BYTE *data, size_t n) {
	struct call c;
	struct reader none;
	CK_RV rv = crypt(s, kind, stage, &(struct passage){.data = data, .dataLen = n}, &c, &none);
	call_end(&c);
	return rv;
}

void operation_cancel(struct session *s, enum kind kind) {
	if (s->operations[kind].begun && !s->over)
		crypt_data(s, kind, CANCEL, NULL, 0);
	operation_clear(&s->operations[kind]);
}

/* An error is the end of an operation; a buffer that is too small is not. Messages go on with what they began with. */
static CK_RV settle(struct session *s, enum kind kind, bool last, CK_RV rv) {
	struct operation *o = &s->operations[kind];
	if (rv == CKR_BUFFER_TOO_SMALL)
		return rv;
	if (rv != CKR_OK || (last && o->mode != MESSAGES))
		operation_cancel(s, kind);
	else if (last)
		wipe_writer(&o->data);
	return rv;
}

CK_RV operations_begin(struct session *s) {
	CK_RV rv = CKR_OPERATION_NOT_INITIALIZED;
	for (enum kind kind = ENCRYPT; kind < KINDS; kind++) {
		if (!s->operations[kind].active)
			continue;
		rv = s->operations[kind].begun ? CKR_OK : crypt_data(s, kind, BEGIN, NULL, 0);
		if (settle(s, kind, false, rv) != CKR_OK)
			return rv;
	}
	return rv;
}

/* Beginning */

/* An empty list allows all. */
static bool is_allowed(const struct record *key, CK_MECHANISM_TYPE type) {
	const struct value *list = find_value(key, CKA_ALLOWED_MECHANISMS);
	if (list == NULL || list->bytes == NULL || list->len == 0)
		return true;
	for (CK_ULONG at = 0; list->len - at >= sizeof type; at += sizeof type)
		if (memcmp(list->bytes + at, &type, sizeof type) == 0)
			return true;
	return false;
}

static CK_RV check_key(const struct record *key, enum kind kind, const struct mechanism *m) {
	CK_OBJECT_CLASS class = number_of(key, CKA_CLASS, CKO_VENDOR_DEFINED);
	if (class != CKO_PUBLIC_KEY && class != CKO_PRIVATE_KEY && class != CKO_SECRET_KEY)
		return CKR_KEY_HANDLE_INVALID;
	if (m->key != CK_UNAVAILABLE_INFORMATION && number_of(key, CKA_KEY_TYPE, m->key) != m->key)
		return CKR_KEY_TYPE_INCONSISTENT;
	if (!is_allowed(key, m->type))
		return CKR_MECHANISM_INVALID;
	if (number_of(key, CKA_USES_LEFT, 1) == 0)
		return CKR_KEY_FUNCTION_NOT_PERMITTED;
	bool public = kind == ENCRYPT || kind == VERIFY || kind == VERIFY_RECOVER;
	if (public && class == CKO_PRIVATE_KEY)
		return CKR_OK; /* whoever has it has the public half, too */
	if (!public && class == CKO_PUBLIC_KEY)
		return CKR_KEY_TYPE_INCONSISTENT;
	return is_true(key, kinds[kind].usage) ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

static CK_RV use_key(struct session *s, enum kind kind, CK_OBJECT_HANDLE handle, const struct mechanism *m) {
	struct operation *o = &s->operations[kind];
	struct record *key;
	CK_RV rv = object_get(s, handle, &key);
	if (rv != CKR_OK)
		return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
	rv = check_key(key, kind, m);
	bool secret = number_of(key, CKA_CLASS, CKO_SECRET_KEY) == CKO_SECRET_KEY;
	o->output = secret && (kind == ENCRYPT || kind == DECRYPT) ? 0 : key->output;
	o->padding = m->type == CKM_AES_CBC_PAD ? BLOCK : 0;
	o->exact = !secret && kind != DECRYPT && kind != VERIFY_RECOVER;
	object_release(key);
	return rv;
}

static CK_RV begin(struct session *s, enum kind kind, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) {
	struct operation *o = &s->operations[kind];
	struct mechanism m;
	CK_RV rv = directory_mechanism(s->slot->id, mechanism->mechanism, &m);
	if (rv == CKR_OK && (m.info.flags & kinds[kind].flag) == 0)
		rv = CKR_MECHANISM_INVALID;
	if (rv != CKR_OK)
		return rv;
	put_mechanism(&o->beginning, mechanism);
	put_number(&o->beginning, key);
	o->output = digest_length(mechanism->mechanism);
	o->exact = true;
	if (kind != DIGEST)
		rv = use_key(s, kind, key, &m);
	return rv == CKR_OK ? o->beginning.rv : rv;
}

CK_RV operation_init(CK_SESSION_HANDLE session, enum kind kind, enum mode mode, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
	const CK_BYTE *signature, CK_ULONG signatureLen) {
	struct session *s;
	CK_RV rv = session_enter(session, &s);
	if (rv != CKR_OK)
		return rv;
	struct operation *o = &s->operations[kind];
	if (mechanism == NULL) {
		rv = o->active ? CKR_OK : CKR_ARGUMENTS_BAD;
		operation_cancel(s, kind);
		return session_leave(s, rv);
	}
	if (o->active || (signature == NULL && signatureLen > 0))
		return session_leave(s, o->active ? CKR_OPERATION_ACTIVE : CKR_ARGUMENTS_BAD);
	operation_clear(o);
	o->mode = mode;
	o->beginning.limit = o->signature.limit = o->data.limit = MAX_REQUEST;
	o->kept.limit = MAX_ANSWER;
	put_bytes(&o->signature, signature, signatureLen);
	rv = begin(s, kind, mechanism, key);
	if (rv == CKR_OK)
		rv = o->signature.rv;
	o->active = rv == CKR_OK;
	if (rv != CKR_OK)
		operation_clear(o);
	return session_leave(s, rv);
}

/* Output */

/* How long the output may be. Of a cipher it is the input and its padding; of a part, the input and what has waited for it. */
static CK_ULONG bound(const struct operation *o, CK_ULONG dataLen) {
	CK_ULONG more = o->parts ? BLOCK : o->padding;
	return o->keeping ? o->kept.used : o->output > 0 ? o->output : dataLen > ~0UL - more ? dataLen : dataLen + more;
}

/* Whether the call only asks for a length, or gives a buffer of which it is known that it is too small: *rv is then the answer. */
static bool asks_length(const struct operation *o, const struct passage *p, CK_RV *rv) {
	if (p->outLen == NULL)
		return false;
	bool exact = o->keeping || (o->exact && o->output > 0);
	if (p->out != NULL && (!exact || *p->outLen >= bound(o, p->dataLen)))
		return false;
	*rv = p->out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
	*p->outLen = bound(o, p->dataLen);
	return true;
}

/* What does not fit is kept, and given to the call that is made again: it was paid for, and may be made differently each time. */
static CK_RV deliver(struct operation *o, const struct passage *p, const struct reader *out, bool last) {
	if (p->outLen == NULL)
		return CKR_OK;
	bool fits = out->left <= *p->outLen;
	*p->outLen = out->left;
	if (fits && out->left > 0)
		memcpy(p->out, out->at, out->left);
	if (fits)
		return CKR_OK;
	put_bytes(&o->kept, out->at, out->left);
	o->keeping = true;
	o->last = last;
	return o->kept.rv == CKR_OK ? CKR_BUFFER_TOO_SMALL : o->kept.rv;
}

static CK_RV deliver_kept(struct session *s, enum kind kind, const struct passage *p) {
	struct operation *o = &s->operations[kind];
	memcpy(p->out, o->kept.bytes, o->kept.used);
	*p->outLen = o->kept.used;
	wipe_writer(&o->kept);
	o->keeping = false;
	return settle(s, kind, o->last, CKR_OK);
}

/* What can be answered before anything is done: true if *rv is the answer. */
static bool answered(struct session *s, enum kind kind, const struct passage *p, bool output, CK_RV *rv) {
	struct operation *o = &s->operations[kind];
	if ((p->data == NULL && p->dataLen > 0) || (p->signature == NULL && p->signatureLen > 0) || (output && p->outLen == NULL))
		*rv = settle(s, kind, true, CKR_ARGUMENTS_BAD);
	else if (output && asks_length(o, p, rv))
		return true;
	else if (!o->keeping)
		return false;
	else if (!output)
		*rv = settle(s, kind, true, CKR_OPERATION_ACTIVE);
	else
		*rv = deliver_kept(s, kind, p);
	return true;
}

/* Data */

static CK_RV collect(struct session *s, enum kind kind, const CK_BYTE *data, CK_ULONG n) {
	struct operation *o = &s->operations[kind];
	CK_RV rv = CKR_OK;
	if (n > PART - o->data.used && o->data.used > 0) {
		rv = crypt_data(s, kind, UPDATE, o->data.bytes, o->data.used);
		wipe_writer(&o->data);
	}
	for (; n > PART && rv == CKR_OK; data += PART, n -= PART)
		rv = crypt_data(s, kind, UPDATE, data, PART);
	if (rv == CKR_OK)
		put_bytes(&o->data, data, n);
	return rv == CKR_OK ? o->data.rv : rv;
}

/* One call whose output goes to the application. */
static CK_RV run(struct session *s, enum kind kind, enum stage stage, const struct passage *p) {
	struct call c;
	struct reader out;
	bool last = stage != UPDATE;
	CK_RV rv = crypt(s, kind, stage, p, &c, &out);
	if (rv == CKR_OK)
		rv = deliver(&s->operations[kind], p, &out, last);
	call_end(&c);
	return settle(s, kind, last, rv);
}

/* What was collected goes with the end; with nothing sent before, the whole is a single call. */
static CK_RV finish(struct session *s, enum kind kind, struct passage p) {
	struct operation *o = &s->operations[kind];
	if (o->begun && o->data.used > 0) {
		CK_RV rv = crypt_data(s, kind, UPDATE, o->data.bytes, o->data.used);
		wipe_writer(&o->data);
		if (rv != CKR_OK)
			return settle(s, kind, true, rv);
	}
	p.data = o->data.bytes;
	p.dataLen = o->data.used;
	CK_RV rv = run(s, kind, o->begun ? FINAL : SINGLE, &p);
	wipe_writer(&o->data);
	return rv;
}

static CK_RV pass(struct session *s, enum kind kind, enum stage stage, struct passage p) {
	struct operation *o = &s->operations[kind];
	bool collects = kinds[kind].collects, output = stage == UPDATE ? !collects : kind != VERIFY;
	CK_RV rv;
	if (o->mode == SIGNATURE_FIRST) {
		p.signature = o->signature.bytes;
		p.signatureLen = o->signature.used;
	}
	if (stage == SINGLE ? o->parts : o->whole)
		return settle(s, kind, true, CKR_OPERATION_ACTIVE);
	o->parts |= stage == UPDATE;
	if (answered(s, kind, &p, output, &rv)) {
		o->whole |= stage == SINGLE && o->active;
		return rv;
	}
	if (stage == FINAL)
		return finish(s, kind, p);
	if (!collects || (stage == SINGLE && p.dataLen <= PART))
		return run(s, kind, stage, &p);
	rv = settle(s, kind, false, collect(s, kind, p.data, p.dataLen));
	return stage == SINGLE && rv == CKR_OK ? finish(s, kind, p) : rv;
}

CK_RV operation_pass(CK_SESSION_HANDLE session, enum kind kind, enum mode mode, enum stage stage, struct passage p) {
	struct session *s;
	CK_RV rv = session_enter(session, &s);
	if (rv != CKR_OK)
		return rv;
	const struct operation *o = &s->operations[kind];
	if (!o->active || o->mode != mode)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else if (stage == CANCEL)
		operation_cancel(s, kind);
	else
		rv = pass(s, kind, stage, p);
	return session_leave(s, rv);
}
