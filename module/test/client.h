/*
 * What the test clients and the benchmark share: a PKCS #11 program that loads any module, and ends with a message at the first
 * answer that it did not expect.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "../cryptoki.h"

#include <stdbool.h>
#include <stdint.h>

enum { MAX_SIGNATURE = 1024 };

extern CK_FUNCTION_LIST *p11; /* the module's functions, once it is loaded */

/* An option is a word that takes the next one as its value, or a number. */
typedef struct {
	const char *name;
	const char **word;
	unsigned long *number;
} option;

/* Every client has --module, --pin and --token, the label; without a label, the first token is taken. */
extern const char *module_path, *pin, *token_label;

/* Gives values to options, and returns the index of the first argument that is none. The options end with a nameless one. */
int parse(int argc, char **argv, const option *options);

_Noreturn void fail(const char *format, ...);

/* Ends the program unless an answer is CKR_OK. */
void check(CK_RV answer, const char *what);

void *load(void); /* returns what dlclose takes */
void initialize(void);
CK_SLOT_ID find_slot(void);
CK_SESSION_HANDLE open_session(CK_SLOT_ID slot);
void login(CK_SESSION_HANDLE session);

/* A kind of key pair, and how it signs. */
typedef struct {
	const char *name;
	CK_ULONG bits; /* of an RSA key; an EC key has a curve */
	CK_BYTE *curve;
	CK_ULONG curve_length;
	CK_MECHANISM_TYPE sign;
	CK_ULONG input; /* bytes that are signed at once */
} key_kind;

const key_kind *kind_named(const char *name, size_t length); /* NULL if there is none */

typedef struct {
	CK_OBJECT_HANDLE public, private;
} key_pair;

/* Makes a pair on the token. Answers are the module's. */
CK_RV generate(CK_SESSION_HANDLE session, const key_kind *kind, const char *label, CK_BYTE *id, CK_ULONG id_length, key_pair *pair);

/* Takes the pair of a kind that is on the token under a label, or makes it. */
key_pair find_or_generate(CK_SESSION_HANDLE session, const key_kind *kind, const char *label);

/* Finds objects, at most max; answers how many there are in handles. */
CK_ULONG find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *handles, CK_ULONG max);

/* Finds a key by its label. */
bool find_key(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label, CK_OBJECT_HANDLE *key);

/* Signs in one part, with a buffer that takes every signature. */
CK_RV sign(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE mechanism, CK_OBJECT_HANDLE key, CK_BYTE *data, CK_ULONG length,
	CK_BYTE *signature, CK_ULONG *signature_length);
CK_RV verify(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE mechanism, CK_OBJECT_HANDLE key, CK_BYTE *data, CK_ULONG length,
	CK_BYTE *signature, CK_ULONG signature_length);

/* Signs and verifies, or ends the program. */
void prove(CK_SESSION_HANDLE session, const key_kind *kind, key_pair pair);

double seconds(void); /* since some moment */

/* The next number of a sequence that begins with a seed, which must not be 0. */
uint64_t next_number(uint64_t *state);

/* Prints the least, the median and the largest of some values. */
void print_spread(const char *name, unsigned long threads, double *values, size_t count, const char *unit);

#endif
