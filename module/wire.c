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
	if (bytes == NULL && n > 0 && w->rv == CKR_OK)
		w->rv = CKR_ARGUMENTS_BAD;
	put_number(w, n);
	put_bytes(w, bytes, n);
}

/* A value that is a template has pointers in it, and no value of ours is one. */
#define CKF_ARRAY_ATTRIBUTE 0x40000000UL

void put_template(struct writer *w, const CK_ATTRIBUTE *attributes, CK_ULONG count) {
	if (attributes == NULL && count > 0 && w->rv == CKR_OK)
		w->rv = CKR_ARGUMENTS_BAD;
	put_number(w, count);
	for (CK_ULONG i = 0; i < count && w->rv == CKR_OK; i++) {
		const CK_ATTRIBUTE *a = &attributes[i];
		if ((a->type & CKF_ARRAY_ATTRIBUTE) != 0 && a->type != CKA_ALLOWED_MECHANISMS)
			w->rv = CKR_ATTRIBUTE_TYPE_INVALID;
		else if (a->pValue == NULL && a->ulValueLen > 0)
			w->rv = CKR_ATTRIBUTE_VALUE_INVALID;
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

/* What the parameter of a mechanism is. One of the standard that is not in the table has none here; one of a vendor is its bytes. */
enum parameter { NONE, PSS, OAEP, ECDH, IV, COUNTER, VENDOR };

static const struct {
	CK_MECHANISM_TYPE first, last;
	enum parameter parameter;
} parameters[] = {
	{CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS_OAEP, OAEP},
	{CKM_RSA_PKCS_PSS, CKM_SHA1_RSA_PKCS_PSS, PSS},
	{CKM_SHA256_RSA_PKCS_PSS, CKM_SHA512_RSA_PKCS_PSS, PSS},
	{CKM_SHA224_RSA_PKCS_PSS, CKM_SHA224_RSA_PKCS_PSS, PSS},
	{CKM_SHA3_256_RSA_PKCS_PSS, CKM_SHA3_512_RSA_PKCS_PSS, PSS},
	{CKM_SHA3_224_RSA_PKCS_PSS, CKM_SHA3_224_RSA_PKCS_PSS, PSS},
	{CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE, ECDH},
	{CKM_AES_CBC, CKM_AES_CBC, IV},
	{CKM_AES_CBC_PAD, CKM_AES_CBC_PAD, IV},
	{CKM_AES_CTR, CKM_AES_CTR, COUNTER},
	{CKM_VENDOR_DEFINED, ~0UL, VENDOR},
};

static enum parameter parameter_of(CK_MECHANISM_TYPE type) {
	for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++)
		if (parameters[i].first <= type && type <= parameters[i].last)
			return parameters[i].parameter;
	return NONE;
}

static void put_oaep(struct writer *w, const void *parameter) {
	CK_RSA_PKCS_OAEP_PARAMS p;
	memcpy(&p, parameter, sizeof p);
	put_number(w, p.hashAlg);
	put_number(w, p.mgf);
	put_number(w, p.source);
	put_string(w, p.pSourceData, p.ulSourceDataLen);
}

static void put_ecdh(struct writer *w, const void *parameter) {
	CK_ECDH1_DERIVE_PARAMS p;
	memcpy(&p, parameter, sizeof p);
	put_number(w, p.kdf);
	put_string(w, p.pSharedData, p.ulSharedDataLen);
	put_string(w, p.pPublicData, p.ulPublicDataLen);
}

/* The length that a parameter must have, as the application gives it; what is given where there is none is not looked at. */
static bool length_fits(enum parameter parameter, CK_ULONG len) {
	switch (parameter) {
	case PSS:
		return len == sizeof(CK_RSA_PKCS_PSS_PARAMS);
	case OAEP:
		return len == sizeof(CK_RSA_PKCS_OAEP_PARAMS);
	case ECDH:
		return len == sizeof(CK_ECDH1_DERIVE_PARAMS);
	case IV:
		return len == 16;
	case COUNTER:
		return len == sizeof(CK_AES_CTR_PARAMS);
	case NONE:
	case VENDOR:
		break;
	}
	return true;
}

CK_RV put_mechanism(struct writer *w, const CK_MECHANISM *mechanism) {
	const void *parameter = mechanism->pParameter;
	enum parameter kind = parameter_of(mechanism->mechanism);
	if (!length_fits(kind, mechanism->ulParameterLen) || (kind != NONE && parameter == NULL && mechanism->ulParameterLen > 0))
		return CKR_MECHANISM_PARAM_INVALID;
	CK_BYTE room[512];
	struct writer flat = {.bytes = room, .size = sizeof room, .limit = MAX_REQUEST};
	switch (kind) {
	case NONE:
		break;
	case OAEP:
		put_oaep(&flat, parameter);
		break;
	case ECDH:
		put_ecdh(&flat, parameter);
		break;
	default:
		put_bytes(&flat, parameter, mechanism->ulParameterLen);
	}
	CK_RV rv = flat.rv == CKR_OK || flat.rv == CKR_HOST_MEMORY ? flat.rv : CKR_MECHANISM_PARAM_INVALID;
	put_number(w, mechanism->mechanism);
	put_string(w, flat.bytes, flat.used);
	wipe_writer(&flat);
	return rv == CKR_OK ? w->rv : rv;
}

CK_ULONG digest_length(CK_MECHANISM_TYPE mechanism) {
	switch (mechanism) {
	case CKM_MD5:
		return 16;
	case CKM_SHA_1:
		return 20;
	case CKM_SHA224:
	case CKM_SHA512_224:
	case CKM_SHA3_224:
		return 28;
	case CKM_SHA256:
	case CKM_SHA512_256:
	case CKM_SHA3_256:
		return 32;
	case CKM_SHA384:
	case CKM_SHA3_384:
		return 48;
	case CKM_SHA512:
	case CKM_SHA3_512:
		return 64;
	default:
		return 0;
	}
}
