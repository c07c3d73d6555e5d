/*
 * The messages of docs/agent-protocol.md, written and read. Nothing here talks to anyone, so that a fuzzer can feed it.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <time.h>

#include "cryptoki.h"

enum { MAX_REQUEST = 8 + (1 << 20), MAX_ANSWER = 8 + (64 << 20) };

enum {
	HELLO = 1, SLOTS = 2, LOGIN = 3, LOGOUT = 4, RESUME = 5, INITTOKEN = 6, INITPIN = 7, SETPIN = 8, CLOSE = 9, CLOSEALL = 10,
	FIND = 11, GET = 12, CREATE = 13, COPY = 14, DESTROY = 15, SET = 16, CRYPT = 20, GENERATE = 30, GENERATEPAIR = 31, WRAP = 32,
	UNWRAP = 33, DERIVE = 34, RANDOM = 40, WAIT = 50
};

/* The bit in the handle of an object that is lost with its session, or with the agent. An alias of a key of the token is not. */
#define SESSION_OBJECT (1UL << 62)

/*
 * A writer is given room by who uses it, or none, and takes more from the heap. The first thing that goes wrong stays in rv, and
 * nothing is written after it: so it is looked at once, at the end.
 */
struct writer {
	CK_BYTE *bytes, *heap;
	size_t used, size, limit;
	CK_RV rv;
};

void put_bytes(struct writer *w, const void *bytes, size_t n);
void put_number(struct writer *w, CK_ULONG n);
void put_string(struct writer *w, const void *bytes, size_t n);
void put_template(struct writer *w, const CK_ATTRIBUTE *attributes, CK_ULONG count);
void wipe_writer(struct writer *w);
void wipe_free(void *bytes, size_t n);

/* A reader gives zeros once it has failed, and it fails where less is left than is asked for. */
struct reader {
	const CK_BYTE *at;
	size_t left;
	bool failed;
};

const CK_BYTE *get_bytes(struct reader *r, size_t n);
CK_ULONG get_number(struct reader *r);
const CK_BYTE *get_string(struct reader *r, size_t *n);

/* An attribute of a record. The length of a sensitive value is CK_UNAVAILABLE_INFORMATION. */
struct value {
	CK_ATTRIBUTE_TYPE type;
	CK_ULONG len;
	const CK_BYTE *bytes;
};

/* An object record, in one piece of memory. It does not change; the cache and each call that reads it hold a reference. */
struct record {
	struct record *next;
	CK_SLOT_ID slot;
	CK_OBJECT_HANDLE handle;
	CK_ULONG output;
	size_t size;
	unsigned references;
	time_t kept; /* when, in seconds since some moment */
	CK_ULONG count;
	struct value values[];
};

const struct value *find_value(const struct record *record, CK_ATTRIBUTE_TYPE type);
/* The number in an attribute, or otherwise if there is none. */
CK_ULONG number_of(const struct record *record, CK_ATTRIBUTE_TYPE type, CK_ULONG otherwise);
bool is_true(const struct record *record, CK_ATTRIBUTE_TYPE type);

struct mechanism {
	CK_MECHANISM_TYPE type;
	CK_MECHANISM_INFO info;
	CK_KEY_TYPE key;
};

struct row {
	CK_SLOT_ID id;
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	CK_ULONG count;
	struct mechanism *mechanisms;
};

/* What SLOTS tells, in one piece of memory. */
struct directory {
	CK_ULONG generation, count;
	struct row rows[];
};

/* Both return CKR_OK, CKR_HOST_MEMORY, or CKR_DEVICE_ERROR for what is malformed. What they make is the caller's to free. */
CK_RV read_record(struct reader *r, CK_SLOT_ID slot, struct record **made);
CK_RV read_directory(struct reader *r, struct directory **made);

/*
 * The whole of an answer if it is there: CKR_OK, with its rv, its generation and its results; CKR_DEVICE_ERROR if it cannot become
 * one. Otherwise CKR_BUFFER_TOO_SMALL, and *total says how many bytes the answer has, or that more than are here must come.
 */
CK_RV read_answer(const CK_BYTE *bytes, size_t n, size_t *total, CK_RV *rv, CK_ULONG *generation, struct reader *results);

/* CKR_MECHANISM_PARAM_INVALID if the parameter is not what the mechanism takes. */
void put_mechanism(struct writer *w, const CK_MECHANISM *mechanism);

/* How many bytes a digest has; 0 if that is not known. */
CK_ULONG digest_length(CK_MECHANISM_TYPE mechanism);

#endif
