#include "client.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

CK_FUNCTION_LIST *p11;
const char *module_path, *pin, *token_label;

_Noreturn void fail(const char *format, ...) {
	char message[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	fprintf(stderr, "%s\n", message); /* at once, since other processes write, too */
	exit(EXIT_FAILURE);
}

void check(CK_RV answer, const char *what) {
	if (answer != CKR_OK)
		fail("%s: answered 0x%lX, expected CKR_OK", what, answer);
}

static unsigned long number(const char *name, const char *word) {
	char *end;
	unsigned long value = strtoul(word, &end, 10);
	if (*word == '\0' || *end != '\0')
		fail("%s %s: expected a number", name, word);
	return value;
}

static const option *named(const option *options, const char *name) {
	while (options->name != NULL && strcmp(options->name, name) != 0)
		options++;
	return options->name == NULL ? NULL : options;
}

int parse(int argc, char **argv, const option *options) {
	static const option common[] = {
		{"--module", &module_path, NULL}, {"--pin", &pin, NULL}, {"--token", &token_label, NULL}, {NULL, NULL, NULL}};
	int i = 1;
	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
		const option *o = named(common, argv[i]);
		if (o == NULL)
			o = named(options, argv[i]);
		if (o == NULL || i + 1 == argc)
			fail("%s: expected an option of this program, and its value", argv[i]);
		if (o->word != NULL)
			*o->word = argv[i + 1];
		else
			*o->number = number(argv[i], argv[i + 1]);
	}
	if (module_path == NULL)
		fail("which module is missing: --module PATH");
	return i;
}

void *load(void) {
	void *library = dlopen(module_path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		fail("%s", dlerror());
	CK_RV (*list)(CK_FUNCTION_LIST **);
	/* C has no conversion from an object's pointer to a function's; POSIX says that they have one form. */
	*(void **)&list = dlsym(library, "C_GetFunctionList");
	if (list == NULL)
		fail("%s: no C_GetFunctionList", module_path);
	check(list(&p11), "C_GetFunctionList");
	return library;
}

void initialize(void) {
	CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
	check(p11->C_Initialize(&arguments), "C_Initialize");
}

static bool has_label(CK_SLOT_ID slot) {
	CK_TOKEN_INFO info;
	check(p11->C_GetTokenInfo(slot, &info), "C_GetTokenInfo");
	if (token_label == NULL)
		return (info.flags & CKF_TOKEN_INITIALIZED) != 0;
	size_t length = strlen(token_label);
	if (length > sizeof info.label || memcmp(info.label, token_label, length) != 0)
		return false;
	while (length < sizeof info.label && info.label[length] == ' ')
		length++;
	return length == sizeof info.label;
}

CK_SLOT_ID find_slot(void) {
	CK_SLOT_ID slots[256];
	CK_ULONG count = sizeof slots / sizeof *slots;
	check(p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
	for (CK_ULONG i = 0; i < count; i++)
		if (has_label(slots[i]))
			return slots[i];
	fail("no token%s%s in %lu slots", token_label == NULL ? "" : " named ", token_label == NULL ? "" : token_label, count);
}

CK_SESSION_HANDLE open_session(CK_SLOT_ID slot) {
	CK_SESSION_HANDLE session;
	check(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), "C_OpenSession");
	return session;
}

void login(CK_SESSION_HANDLE session) {
	if (pin == NULL)
		fail("the PIN is missing: --pin PIN");
	CK_RV answer = p11->C_Login(session, CKU_USER, (CK_BYTE *)pin, strlen(pin));
	if (answer != CKR_USER_ALREADY_LOGGED_IN)
		check(answer, "C_Login");
}

/* DER of the object identifiers of the curves */
static CK_BYTE p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
static CK_BYTE p384[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};

/* RSA signs the 51 bytes of a DigestInfo with SHA-256. */
static const key_kind kinds[] = {
	{"rsa2048", 2048, NULL, 0, CKM_RSA_PKCS, 51},
	{"rsa4096", 4096, NULL, 0, CKM_RSA_PKCS, 51},
	{"p256", 0, p256, sizeof p256, CKM_ECDSA, 32},
	{"p384", 0, p384, sizeof p384, CKM_ECDSA, 48},
};

const key_kind *kind_named(const char *name, size_t length) {
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strlen(kinds[i].name) == length && memcmp(kinds[i].name, name, length) == 0)
			return &kinds[i];
	return NULL;
}

CK_RV generate(CK_SESSION_HANDLE session, const key_kind *kind, const char *label, CK_BYTE *id, CK_ULONG id_length, key_pair *pair) {
	CK_BBOOL yes = CK_TRUE;
	CK_ULONG bits = kind->bits;
	CK_BYTE exponent[] = {1, 0, 1};
	CK_ATTRIBUTE public[] = {
		{CKA_TOKEN, &yes, sizeof yes}, {CKA_VERIFY, &yes, sizeof yes}, {CKA_LABEL, (void *)label, strlen(label)},
		{CKA_ID, id, id_length}, {CKA_EC_PARAMS, kind->curve, kind->curve_length}, {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}};
	CK_ATTRIBUTE private[] = {
		{CKA_TOKEN, &yes, sizeof yes}, {CKA_PRIVATE, &yes, sizeof yes}, {CKA_SENSITIVE, &yes, sizeof yes},
		{CKA_SIGN, &yes, sizeof yes}, {CKA_LABEL, (void *)label, strlen(label)}, {CKA_ID, id, id_length}};
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_ULONG count = 5;
	if (kind->curve == NULL) {
		mechanism.mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN;
		public[4] = (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits};
		count = 6;
	}
	return p11->C_GenerateKeyPair(session, &mechanism, public, count, private, sizeof private / sizeof *private, &pair->public,
		&pair->private);
}

CK_ULONG find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *handles, CK_ULONG max) {
	CK_ULONG found = 0, more;
	check(p11->C_FindObjectsInit(session, attributes, count), "C_FindObjectsInit");
	do {
		check(p11->C_FindObjects(session, handles + found, max - found, &more), "C_FindObjects");
		found += more;
	} while (more > 0 && found < max);
	check(p11->C_FindObjectsFinal(session), "C_FindObjectsFinal");
	return found;
}

bool find_key(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label, CK_OBJECT_HANDLE *key) {
	CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)label, strlen(label)}};
	return find(session, wanted, 2, key, 1) == 1;
}

key_pair find_or_generate(CK_SESSION_HANDLE session, const key_kind *kind, const char *label) {
	key_pair pair;
	if (!find_key(session, CKO_PUBLIC_KEY, label, &pair.public) || !find_key(session, CKO_PRIVATE_KEY, label, &pair.private))
		check(generate(session, kind, label, (CK_BYTE *)label, strlen(label), &pair), "C_GenerateKeyPair");
	return pair;
}

CK_RV sign(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, CK_BYTE *data, CK_ULONG length,
	CK_BYTE *signature, CK_ULONG *signature_length) {
	CK_MECHANISM mechanism = {type, NULL, 0};
	CK_RV answer = p11->C_SignInit(session, &mechanism, key);
	*signature_length = MAX_SIGNATURE;
	return answer != CKR_OK ? answer : p11->C_Sign(session, data, length, signature, signature_length);
}

CK_RV verify(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, CK_BYTE *data, CK_ULONG length,
	CK_BYTE *signature, CK_ULONG signature_length) {
	CK_MECHANISM mechanism = {type, NULL, 0};
	CK_RV answer = p11->C_VerifyInit(session, &mechanism, key);
	return answer != CKR_OK ? answer : p11->C_Verify(session, data, length, signature, signature_length);
}

void prove(CK_SESSION_HANDLE session, const key_kind *kind, key_pair pair) {
	CK_BYTE data[64] = {0}, signature[MAX_SIGNATURE];
	CK_ULONG length;
	check(sign(session, kind->sign, pair.private, data, kind->input, signature, &length), "C_Sign");
	check(verify(session, kind->sign, pair.public, data, kind->input, signature, length), "C_Verify");
}

double seconds(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint64_t next_number(uint64_t *state) {
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int ascending(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

void print_spread(const char *name, unsigned long threads, double *values, size_t count, const char *unit) {
	if (count == 0)
		fail("%s: nothing was measured; give it more time", name);
	qsort(values, count, sizeof *values, ascending);
	printf("%s-min %lu %.3f %s\n", name, threads, values[0], unit);
	printf("%s-median %lu %.3f %s\n", name, threads, values[count / 2], unit);
	printf("%s-max %lu %.3f %s\n", name, threads, values[count - 1], unit);
}
