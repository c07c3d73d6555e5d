/*
 * Threads that do everything at once with one module, and check each answer:
 *
 *	threads --module PATH --pin PIN [--token LABEL] [--threads N] [--count M] [--seed S] [--survive 1]
 *
 * RSA signatures are compared with those that were made alone before, digests too; ECDSA's are verified, and refused when a bit is
 * changed; a search finds one key; numbers are random. With --survive, an answer that says that a session, a login or a handle is
 * gone is no fault: the thread opens a session anew and goes on. A wrong result always is one. The seed is printed when all is
 * prepared, and the threads begin.
 */
#include "client.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 8, MESSAGE_LENGTH = 51, DIGEST_LENGTH = 32, RSA_LENGTH = 256 };

static unsigned long threads = 32, count = 10000, seed = 1, survive;
static CK_SLOT_ID slot;

static const char rsa_label[] = "threads rsa2048", ec_label[] = "threads p256";

/* What is right for each message */
static struct {
	CK_BYTE text[MESSAGE_LENGTH], digest[DIGEST_LENGTH], signature[RSA_LENGTH], hashed_signature[RSA_LENGTH];
} messages[MESSAGES];

/* The public values by which the keys are known again */
static CK_BYTE modulus[RSA_LENGTH];

typedef struct {
	CK_SESSION_HANDLE session;
	key_pair rsa, ec;
	uint64_t random;
	CK_BYTE last[32]; /* random number */
} client;

static CK_RV digest(client *c, size_t i) {
	CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
	CK_BYTE value[DIGEST_LENGTH];
	CK_ULONG length = sizeof value;
	CK_RV answer = p11->C_DigestInit(c->session, &mechanism);
	if (answer == CKR_OK)
		answer = p11->C_Digest(c->session, messages[i].text, MESSAGE_LENGTH, value, &length);
	if (answer == CKR_OK && (length != sizeof value || memcmp(value, messages[i].digest, sizeof value) != 0))
		fail("C_Digest: a wrong digest of message %zu", i);
	return answer;
}

static CK_RV compare(const char *what, const CK_BYTE *signature, CK_ULONG length, const CK_BYTE *expected, CK_RV answer) {
	if (answer == CKR_OK && (length != RSA_LENGTH || memcmp(signature, expected, RSA_LENGTH) != 0))
		fail("%s: a wrong signature", what);
	return answer;
}

static CK_RV sign_rsa(client *c, size_t i) {
	CK_BYTE signature[MAX_SIGNATURE];
	CK_ULONG length;
	CK_RV answer = sign(c->session, CKM_RSA_PKCS, c->rsa.private, messages[i].text, MESSAGE_LENGTH, signature, &length);
	return compare("C_Sign", signature, length, messages[i].signature, answer);
}

/* Signs in two parts, and asks for the length first. */
static CK_RV sign_parts(client *c, size_t i) {
	CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
	CK_BYTE signature[MAX_SIGNATURE];
	CK_ULONG length = 0;
	CK_RV answer = p11->C_SignInit(c->session, &mechanism, c->rsa.private);
	if (answer == CKR_OK)
		answer = p11->C_SignUpdate(c->session, messages[i].text, 20);
	if (answer == CKR_OK)
		answer = p11->C_SignUpdate(c->session, messages[i].text + 20, MESSAGE_LENGTH - 20);
	if (answer == CKR_OK)
		answer = p11->C_SignFinal(c->session, NULL, &length);
	if (answer == CKR_OK && length != RSA_LENGTH)
		fail("C_SignFinal: a length of %lu, expected %d", length, RSA_LENGTH);
	if (answer == CKR_OK)
		answer = p11->C_SignFinal(c->session, signature, &length);
	return compare("C_SignFinal", signature, length, messages[i].hashed_signature, answer);
}

static CK_RV verify_rsa(client *c, size_t i) {
	return verify(c->session, CKM_RSA_PKCS, c->rsa.public, messages[i].text, MESSAGE_LENGTH, messages[i].signature, RSA_LENGTH);
}

static CK_RV sign_ec(client *c, size_t i) {
	CK_BYTE signature[MAX_SIGNATURE];
	CK_ULONG length;
	CK_RV answer = sign(c->session, CKM_ECDSA, c->ec.private, messages[i].digest, DIGEST_LENGTH, signature, &length);
	if (answer == CKR_OK)
		answer = verify(c->session, CKM_ECDSA, c->ec.public, messages[i].digest, DIGEST_LENGTH, signature, length);
	if (answer != CKR_OK)
		return answer;
	signature[length - 1] ^= 1;
	answer = verify(c->session, CKM_ECDSA, c->ec.public, messages[i].digest, DIGEST_LENGTH, signature, length);
	if (answer == CKR_OK)
		fail("C_Verify: took a signature in which a bit was changed");
	return answer == CKR_SIGNATURE_INVALID ? CKR_OK : answer;
}

/* Handles are not compared: after a restart of what holds the keys, they may be others. */
static CK_RV find_rsa(client *c, size_t i) {
	(void)i;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, (void *)rsa_label, strlen(rsa_label)}};
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n = 0;
	CK_RV answer = p11->C_FindObjectsInit(c->session, wanted, 2);
	if (answer == CKR_OK)
		answer = p11->C_FindObjects(c->session, found, 2, &n);
	if (answer == CKR_OK)
		answer = p11->C_FindObjectsFinal(c->session);
	if (answer != CKR_OK)
		return answer;
	if (n != 1)
		fail("C_FindObjects: %lu keys, expected 1", n);
	CK_BYTE value[RSA_LENGTH];
	CK_ATTRIBUTE read = {CKA_MODULUS, value, sizeof value};
	answer = p11->C_GetAttributeValue(c->session, found[0], &read, 1);
	if (answer == CKR_OK && (read.ulValueLen != sizeof value || memcmp(value, modulus, sizeof value) != 0))
		fail("C_GetAttributeValue: the modulus of another key");
	return answer;
}

static CK_RV draw(client *c, size_t i) {
	(void)i;
	CK_BYTE number[sizeof c->last];
	CK_RV answer = p11->C_GenerateRandom(c->session, number, sizeof number);
	if (answer == CKR_OK && memcmp(number, c->last, sizeof number) == 0)
		fail("C_GenerateRandom: the same number twice");
	if (answer == CKR_OK)
		memcpy(c->last, number, sizeof number);
	return answer;
}

static CK_RV reopen(client *c, size_t i) {
	(void)i;
	CK_RV answer = p11->C_CloseSession(c->session);
	return answer != CKR_OK ? answer
	                        : p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &c->session);
}

static const struct {
	const char *name;
	CK_RV (*run)(client *c, size_t message);
} operations[] = {
	{"digest", digest}, {"sign-rsa", sign_rsa}, {"sign-parts", sign_parts}, {"verify-rsa", verify_rsa},
	{"sign-ec", sign_ec}, {"find", find_rsa}, {"random", draw}, {"reopen", reopen},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

static atomic_ulong done[OPERATIONS], recovered;

static bool gone(CK_RV answer) {
	switch (answer) {
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_SESSION_CLOSED:
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_USER_NOT_LOGGED_IN:
	case CKR_KEY_HANDLE_INVALID:
	case CKR_OBJECT_HANDLE_INVALID:
	case CKR_OPERATION_NOT_INITIALIZED:
		return true;
	default:
		return false;
	}
}

static CK_RV find_by_label(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label, CK_OBJECT_HANDLE *key) {
	CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)label, strlen(label)}};
	CK_ULONG n = 0;
	CK_RV answer = p11->C_FindObjectsInit(session, wanted, 2);
	if (answer == CKR_OK)
		answer = p11->C_FindObjects(session, key, 1, &n);
	if (answer == CKR_OK)
		answer = p11->C_FindObjectsFinal(session);
	return answer == CKR_OK && n == 0 ? CKR_USER_NOT_LOGGED_IN : answer;
}

static CK_RV take_keys(client *c) {
	CK_RV answer = find_by_label(c->session, CKO_PRIVATE_KEY, rsa_label, &c->rsa.private);
	if (answer == CKR_OK)
		answer = find_by_label(c->session, CKO_PUBLIC_KEY, rsa_label, &c->rsa.public);
	if (answer == CKR_OK)
		answer = find_by_label(c->session, CKO_PRIVATE_KEY, ec_label, &c->ec.private);
	return answer == CKR_OK ? find_by_label(c->session, CKO_PUBLIC_KEY, ec_label, &c->ec.public) : answer;
}

/* Does what a program does whose session is gone: opens one, logs in, looks for its keys. */
static CK_RV begin_anew(client *c) {
	p11->C_CloseSession(c->session);
	CK_RV answer = p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &c->session);
	if (answer == CKR_OK)
		answer = p11->C_Login(c->session, CKU_USER, (CK_BYTE *)pin, strlen(pin));
	return answer == CKR_OK || answer == CKR_USER_ALREADY_LOGGED_IN ? take_keys(c) : answer;
}

static void recover(client *c, const char *after, CK_RV answer) {
	while (answer != CKR_OK) {
		if (survive == 0 || !gone(answer))
			fail("%s: answered 0x%lX, expected CKR_OK", after, answer);
		atomic_fetch_add(&recovered, 1);
		sched_yield();
		answer = begin_anew(c);
	}
}

static void *work(void *argument) {
	client *c = argument;
	for (unsigned long i = 0; i < count; i++) {
		uint64_t n = next_number(&c->random);
		size_t operation = n % OPERATIONS;
		recover(c, operations[operation].name, operations[operation].run(c, (n >> 32) % MESSAGES));
		atomic_fetch_add(&done[operation], 1);
	}
	return NULL;
}

/* Finds out, with one thread, what is right. */
static void prepare(client *c) {
	CK_ATTRIBUTE read = {CKA_MODULUS, modulus, sizeof modulus};
	check(p11->C_GetAttributeValue(c->session, c->rsa.public, &read, 1), "C_GetAttributeValue of CKA_MODULUS");
	CK_MECHANISM hash = {CKM_SHA256, NULL, 0};
	for (size_t i = 0; i < MESSAGES; i++) {
		memset(messages[i].text, (int)i + 1, MESSAGE_LENGTH);
		CK_ULONG length = DIGEST_LENGTH;
		check(p11->C_DigestInit(c->session, &hash), "C_DigestInit");
		check(p11->C_Digest(c->session, messages[i].text, MESSAGE_LENGTH, messages[i].digest, &length), "C_Digest");
		CK_BYTE signature[MAX_SIGNATURE];
		check(sign(c->session, CKM_RSA_PKCS, c->rsa.private, messages[i].text, MESSAGE_LENGTH, signature, &length), "C_Sign");
		memcpy(messages[i].signature, signature, RSA_LENGTH);
		check(sign(c->session, CKM_SHA256_RSA_PKCS, c->rsa.private, messages[i].text, MESSAGE_LENGTH, signature, &length),
			"C_Sign with SHA-256");
		memcpy(messages[i].hashed_signature, signature, RSA_LENGTH);
		check(verify_rsa(c, i), "C_Verify");
	}
}

static void run(const client *first) {
	pthread_t *ids = calloc(threads, sizeof *ids);
	client *clients = calloc(threads, sizeof *clients);
	if (ids == NULL || clients == NULL)
		fail("no memory for %lu threads", threads);
	for (unsigned long i = 0; i < threads; i++) {
		clients[i] = *first;
		clients[i].session = open_session(slot);
		clients[i].random = seed * 1000003 + i + 1;
		if (pthread_create(&ids[i], NULL, work, &clients[i]) != 0)
			fail("no thread %lu", i);
	}
	for (unsigned long i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	free(ids);
	free(clients);
}

int main(int argc, char **argv) {
	const option options[] = {{"--threads", NULL, &threads}, {"--count", NULL, &count}, {"--seed", NULL, &seed},
		{"--survive", NULL, &survive}, {NULL, NULL, NULL}};
	if (parse(argc, argv, options) != argc)
		fail("%s: expected options alone", argv[argc - 1]);
	load();
	initialize();
	slot = find_slot();
	client first = {.session = open_session(slot)};
	login(first.session);
	first.rsa = find_or_generate(first.session, kind_named("rsa2048", 7), rsa_label);
	first.ec = find_or_generate(first.session, kind_named("p256", 4), ec_label);
	prepare(&first);
	printf("seed %lu\n", seed);
	fflush(stdout);
	run(&first);
	for (size_t i = 0; i < OPERATIONS; i++)
		printf("%s %lu\n", operations[i].name, atomic_load(&done[i]));
	printf("recovered %lu\n", atomic_load(&recovered));
	CK_RV answer = p11->C_Finalize(NULL);
	if (survive == 0 || !gone(answer))
		check(answer, "C_Finalize");
	return EXIT_SUCCESS;
}
