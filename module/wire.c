#define _GNU_SOURCE
#include "wire.h"

#include <stdlib.h>
#include <string.h>

/* Writing */

void wipe_free(void *bytes, size_t n) {
	if (bytes != NULL)
		explicit_bzero(bytes, n);
	free(bytes);
}

static bool grow(struct writer *w, size_t needed) {
	size_t size = needed < 4096 ? 4096 : 2 * needed;
	CK_BYTE *old = w->heap, *bytes = malloc(size);
	if (bytes == NULL)
		return false;
	if (w->used > 0) {
		memcpy(bytes, w->bytes, w->used);
		explicit_bzero(w->bytes, w->used);
	}
	w->bytes = w->heap = bytes;
	w->size = size;
	free(old);
	return true;
}

static void fail(struct writer *w, CK_RV rv) {
	if (w->rv == CKR_OK)
		w->rv = rv;
}

void put_bytes(struct writer *w, const void *bytes, size_t n) {
	if (w->rv != CKR_OK || n == 0)
		return;
	if (n > w->limit - w->used) {
		w->rv = CKR_DATA_LEN_RANGE;
	} else if (n > w->size - w->used && !grow(w, w->used + n)) {
		w->rv = CKR_HOST_MEMORY;
	} else {
		memcpy(w->bytes + w->used, bytes, n);
		w->used += n;
	}
}

void put_number(struct writer *w, CK_ULONG n) {
	put_bytes(w, &n, sizeof n);
}

void put_string(struct writer *w, const void *bytes, size_t n) {
	if (bytes == NULL && n > 0)
		fail(w, CKR_ARGUMENTS_BAD);
	put_number(w, n);
	put_bytes(w, bytes, n);
}

/* A value that is a template has pointers in it, and no value of ours is one. */
#define CKF_ARRAY_ATTRIBUTE 0x40000000UL

void put_template(struct writer *w, const CK_ATTRIBUTE *attributes, CK_ULONG count) {
	if (attributes == NULL && count > 0)
		fail(w, CKR_ARGUMENTS_BAD);
	put_number(w, count);
	for (CK_ULONG i = 0; i < count && w->rv == CKR_OK; i++) {
		const CK_ATTRIBUTE *a = &attributes[i];
		if ((a->type & CKF_ARRAY_ATTRIBUTE) != 0 && a->type != CKA_ALLOWED_MECHANISMS)
			fail(w, CKR_ATTRIBUTE_TYPE_INVALID);
		else if (a->pValue == NULL && a->ulValueLen > 0)
			fail(w, CKR_ATTRIBUTE_VALUE_INVALID);
		put_number(w, a->type);
		put_string(w, a->pValue, a->ulValueLen);
		if (w->rv == CKR_DATA_LEN_RANGE) /* no value is as long as that: a length that was refused before, perhaps */
			w->rv = CKR_ATTRIBUTE_VALUE_INVALID;
	}
}

void wipe_writer(struct writer *w) {
	if (w->used > 0)
		explicit_bzero(w->bytes, w->used);
	free(w->heap);
	*w = (struct writer){.limit = w->limit};
}

/* Reading */

const CK_BYTE *get_bytes(struct reader *r, size_t n) {
	const CK_BYTE *at = r->at;
	if (r->failed || n > r->left) {
		r->failed = true;
		return NULL;
	}
	r->at += n;
	r->left -= n;
	return at;
}

static void get(struct reader *r, void *to, size_t n) {
	const CK_BYTE *at = get_bytes(r, n);
	if (at != NULL)
		memcpy(to, at, n);
	else
		memset(to, 0, n);
}

CK_ULONG get_number(struct reader *r) {
	CK_ULONG n;
	get(r, &n, sizeof n);
	return n;
}

const CK_BYTE *get_string(struct reader *r, size_t *n) {
	*n = get_number(r);
	const CK_BYTE *at = get_bytes(r, *n);
	if (at == NULL)
		*n = 0;
	return at;
}

/* A count of things that have at least so many bytes each: more than can be there is a failure, before any memory is taken. */
static CK_ULONG get_count(struct reader *r, size_t each) {
	CK_ULONG count = get_number(r);
	if (count > r->left / each)
		r->failed = true;
	return r->failed ? 0 : count;
}

enum { ANSWER_HEADER = 8 + 16 };

CK_RV read_answer(const CK_BYTE *bytes, size_t n, size_t *total, CK_RV *rv, CK_ULONG *generation, struct reader *results) {
	unsigned head[2];
	_Static_assert(sizeof head == 8, "two numbers of 32 bits");
	*total = ANSWER_HEADER;
	if (n < sizeof head)
		return CKR_BUFFER_TOO_SMALL;
	memcpy(head, bytes, sizeof head);
	if (head[0] < ANSWER_HEADER - 8 || head[0] > MAX_ANSWER - 8 || head[1] != 0)
		return CKR_DEVICE_ERROR;
	*total = 8 + (size_t)head[0];
	if (n < *total)
		return CKR_BUFFER_TOO_SMALL;
	if (n > *total)
		return CKR_DEVICE_ERROR;
	*results = (struct reader){.at = bytes + 8, .left = n - 8};
	*rv = get_number(results);
	*generation = get_number(results);
	return CKR_OK;
}

/* An attribute at the reader; what is sensitive has no bytes. */
static struct value get_value(struct reader *r) {
	struct value v = {.type = get_number(r)};
	v.len = get_number(r); /* initialisers have no order */
	if (v.len != CK_UNAVAILABLE_INFORMATION)
		v.bytes = get_bytes(r, v.len);
	return v;
}

CK_RV read_record(struct reader *r, CK_SLOT_ID slot, struct record **made) {
	CK_OBJECT_HANDLE handle = get_number(r);
	CK_ULONG output = get_number(r), count = get_count(r, 16);
	struct reader ahead = *r;
	size_t values = 0;
	for (CK_ULONG i = 0; i < count; i++) {
		struct value v = get_value(&ahead);
		values += v.bytes == NULL ? 0 : v.len;
	}
	if (ahead.failed || handle == CK_INVALID_HANDLE || output > MAX_ANSWER)
		return CKR_DEVICE_ERROR;

	size_t size = sizeof(struct record) + count * sizeof(struct value) + values;
	struct record *record = malloc(size);
	if (record == NULL)
		return CKR_HOST_MEMORY;
	*record = (struct record){.slot = slot, .handle = handle, .output = output, .size = size, .references = 1, .count = count};
	CK_BYTE *to = (CK_BYTE *)&record->values[count];
	for (CK_ULONG i = 0; i < count; i++) {
		struct value v = get_value(r);
		if (v.bytes != NULL) {
			memcpy(to, v.bytes, v.len);
			v.bytes = to;
			to += v.len;
		}
		record->values[i] = v;
	}
	*made = record;
	return CKR_OK;
}

const struct value *find_value(const struct record *record, CK_ATTRIBUTE_TYPE type) {
	for (CK_ULONG i = 0; i < record->count; i++)
		if (record->values[i].type == type)
			return &record->values[i];
	return NULL;
}

CK_ULONG number_of(const struct record *record, CK_ATTRIBUTE_TYPE type, CK_ULONG otherwise) {
	const struct value *v = find_value(record, type);
	if (v == NULL || v->len != sizeof otherwise)
		return otherwise;
	memcpy(&otherwise, v->bytes, sizeof otherwise);
	return otherwise;
}

bool is_true(const struct record *record, CK_ATTRIBUTE_TYPE type) {
	const struct value *v = find_value(record, type);
	return v != NULL && v->len == sizeof(CK_BBOOL) && *v->bytes != CK_FALSE;
}

enum { MECHANISM_BYTES = 8 + sizeof(CK_MECHANISM_INFO) + 8, ROW_BYTES = 8 + sizeof(CK_SLOT_INFO) + sizeof(CK_TOKEN_INFO) + 8 };

/* A row at the reader. Its mechanisms go to where they are to be, or to nowhere if they are only counted. */
static CK_ULONG get_row(struct reader *r, struct row *row, struct mechanism *mechanisms) {
	row->id = get_number(r);
	get(r, &row->slot, sizeof row->slot);
	get(r, &row->token, sizeof row->token);
	row->count = get_count(r, MECHANISM_BYTES);
	row->mechanisms = mechanisms;
	for (CK_ULONG i = 0; i < row->count; i++) {
		struct mechanism m = {.type = get_number(r)};
		get(r, &m.info, sizeof m.info);
		m.key = get_number(r);
		if (mechanisms != NULL)
			mechanisms[i] = m;
	}
	return row->count;
}

CK_RV read_directory(struct reader *r, struct directory **made) {
	CK_ULONG generation = get_number(r), count = get_count(r, ROW_BYTES), mechanisms = 0;
	struct reader ahead = *r;
	for (CK_ULONG i = 0; i < count; i++) {
		struct row row;
		mechanisms += get_row(&ahead, &row, NULL);
	}
	if (ahead.failed || ahead.left > 0)
		return CKR_DEVICE_ERROR;

	struct directory *d = malloc(sizeof *d + count * sizeof(struct row) + mechanisms * sizeof(struct mechanism));
	if (d == NULL)
		return CKR_HOST_MEMORY;
	d->generation = generation;
	d->count = count;
	struct mechanism *to = (struct mechanism *)&d->rows[count];
	for (CK_ULONG i = 0; i < count; i++)
		to += get_row(r, &d->rows[i], to);
	*made = d;
	return CKR_OK;
}

/* Mechanisms */

/* Parameters with pointers, behind the length that they have together. */

static void put_oaep(struct writer *w, const void *parameter) {
	CK_RSA_PKCS_OAEP_PARAMS p;
	memcpy(&p, parameter, sizeof p);
	put_number(w, 32 + p.ulSourceDataLen);
	put_number(w, p.hashAlg);
	put_number(w, p.mgf);
	put_number(w, p.source);
	put_string(w, p.pSourceData, p.ulSourceDataLen);
}

static void put_ecdh(struct writer *w, const void *parameter) {
	CK_ECDH1_DERIVE_PARAMS p;
	memcpy(&p, parameter, sizeof p);
	put_number(w, 24 + p.ulSharedDataLen + p.ulPublicDataLen);
	put_number(w, p.kdf);
	put_string(w, p.pSharedData, p.ulSharedDataLen);
	put_string(w, p.pPublicData, p.ulPublicDataLen);
}

/* Those that have a parameter, and how long it is. It is sent as it is if nothing is said of it; one of a vendor has any length. */
static const struct parameter {
	CK_MECHANISM_TYPE first, last;
	CK_ULONG len;
	void (*put)(struct writer *w, const void *parameter);
} parameters[] = {
	{CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS_OAEP, sizeof(CK_RSA_PKCS_OAEP_PARAMS), put_oaep},
	{CKM_RSA_PKCS_PSS, CKM_SHA1_RSA_PKCS_PSS, sizeof(CK_RSA_PKCS_PSS_PARAMS), NULL},
	{CKM_SHA256_RSA_PKCS_PSS, CKM_SHA512_RSA_PKCS_PSS, sizeof(CK_RSA_PKCS_PSS_PARAMS), NULL},
	{CKM_SHA224_RSA_PKCS_PSS, CKM_SHA224_RSA_PKCS_PSS, sizeof(CK_RSA_PKCS_PSS_PARAMS), NULL},
	{CKM_SHA3_256_RSA_PKCS_PSS, CKM_SHA3_512_RSA_PKCS_PSS, sizeof(CK_RSA_PKCS_PSS_PARAMS), NULL},
	{CKM_SHA3_224_RSA_PKCS_PSS, CKM_SHA3_224_RSA_PKCS_PSS, sizeof(CK_RSA_PKCS_PSS_PARAMS), NULL},
	{CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE, sizeof(CK_ECDH1_DERIVE_PARAMS), put_ecdh},
	{CKM_AES_CBC, CKM_AES_CBC, 16, NULL},
	{CKM_AES_CBC_PAD, CKM_AES_CBC_PAD, 16, NULL},
	{CKM_AES_CTR, CKM_AES_CTR, sizeof(CK_AES_CTR_PARAMS), NULL},
	{CKM_VENDOR_DEFINED, ~0UL, 0, NULL},
};

/* What is given to a mechanism that has no parameter is not looked at. */
static void put_parameter(struct writer *w, const CK_MECHANISM *m) {
	const struct parameter *p = parameters, *end = parameters + sizeof parameters / sizeof parameters[0];
	while (p < end && (m->mechanism < p->first || p->last < m->mechanism))
		p++;
	if (p == end)
		put_number(w, 0);
	else if (p->len != 0 && m->ulParameterLen != p->len)
		fail(w, CKR_MECHANISM_PARAM_INVALID);
	else if (p->put == NULL)
		put_string(w, m->pParameter, m->ulParameterLen);
	else if (m->pParameter != NULL)
		p->put(w, m->pParameter);
	else
		fail(w, CKR_MECHANISM_PARAM_INVALID);
}

void put_mechanism(struct writer *w, const CK_MECHANISM *mechanism) {
	if (mechanism == NULL)
		fail(w, CKR_ARGUMENTS_BAD);
	if (w->rv != CKR_OK)
		return;
	put_number(w, mechanism->mechanism);
	put_parameter(w, mechanism);
	if (w->rv != CKR_OK && w->rv != CKR_HOST_MEMORY)
		w->rv = CKR_MECHANISM_PARAM_INVALID;
}

CK_ULONG digest_length(CK_MECHANISM_TYPE mechanism) {
	static const struct {
		CK_MECHANISM_TYPE type;
		CK_ULONG len;
	} digests[] = {
		{CKM_MD5, 16}, {CKM_SHA_1, 20}, {CKM_SHA224, 28}, {CKM_SHA256, 32}, {CKM_SHA384, 48}, {CKM_SHA512, 64}, {CKM_SHA512_224, 28},
		{CKM_SHA512_256, 32}, {CKM_SHA3_224, 28}, {CKM_SHA3_256, 32}, {CKM_SHA3_384, 48}, {CKM_SHA3_512, 64}};
	for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++)
		if (digests[i].type == mechanism)
			return digests[i].len;
	return 0;
}
