/*
 * What a program is told of keys that are used, and that another one changes:
 *
 *	others --module PATH --pin PIN [--token LABEL]
 *
 * A key that may be used three times says after each use how often it still may. A second process knows a key; this one gives it
 * another label, and destroys it; that one comes to know of both.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USES = 3, LABEL_LENGTH = 5, USE_COUNTER = 0x80000108, DIGEST_LENGTH = 32 };

static const char first_label[] = "first", other_label[] = "other";

static CK_BYTE digest[DIGEST_LENGTH], signature[MAX_SIGNATURE];

static CK_OBJECT_HANDLE generate_counted(CK_SESSION_HANDLE session, const char *label, CK_ULONG uses) {
	const key_kind *kind = kind_named("p256", 4);
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE curve = {CKA_EC_PARAMS, kind->curve, kind->curve_length};
	CK_ATTRIBUTE private[] = {{CKA_TOKEN, &yes, sizeof yes}, {CKA_LABEL, (void *)(uintptr_t)label, LABEL_LENGTH}, {CKA_SIGN, &yes, sizeof yes},
		{USE_COUNTER, &uses, sizeof uses}};
	CK_ATTRIBUTE public[] = {curve, {CKA_TOKEN, &yes, sizeof yes}};
	key_pair pair;
	check(p11->C_GenerateKeyPair(session, &mechanism, public, 2, private, uses > 0 ? 4 : 3, &pair.public, &pair.private), "C_GenerateKeyPair");
	return pair.private;
}

static CK_ULONG uses_left(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) {
	CK_ULONG left = 0;
	CK_ATTRIBUTE counter = {USE_COUNTER, &left, sizeof left};
	check(p11->C_GetAttributeValue(session, key, &counter, 1), "C_GetAttributeValue");
	return left;
}

static CK_RV sign_with(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) {
	CK_ULONG length = sizeof signature;
	return sign(session, CKM_ECDSA, key, digest, sizeof digest, signature, &length);
}

static void count_down(CK_SESSION_HANDLE session) {
	CK_OBJECT_HANDLE key = generate_counted(session, "count", USES);
	for (CK_ULONG left = USES; left > 0; left--) {
		if (uses_left(session, key) != left)
			fail("%lu uses are left; expected %lu", uses_left(session, key), left);
		check(sign_with(session, key), "C_Sign");
	}
	if (uses_left(session, key) != 0 || sign_with(session, key) != CKR_KEY_FUNCTION_NOT_PERMITTED)
		fail("a key without uses left can be used");
	check(p11->C_DestroyObject(session, key), "C_DestroyObject");
}

static CK_RV label_of(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, char *label) {
	CK_ATTRIBUTE wanted = {CKA_LABEL, label, LABEL_LENGTH};
	return p11->C_GetAttributeValue(session, key, &wanted, 1);
}

static void step(int to) {
	if (write(to, "", 1) != 1)
		fail("the other process is gone");
}

static void await(int from) {
	char byte;
	if (read(from, &byte, 1) != 1)
		fail("the other process is gone");
}

/* Asks again and again what it knows already, and nothing else. */
static void watch(int from, int to) {
	char label[LABEL_LENGTH];
	CK_OBJECT_HANDLE key;
	await(from);
	initialize();
	CK_SESSION_HANDLE session = open_session(find_slot());
	login(session);
	if (!find_key(session, CKO_PRIVATE_KEY, first_label, &key))
		fail("there is no key that is called %s", first_label);
	step(to);
	do
		check(label_of(session, key, label), "C_GetAttributeValue");
	while (memcmp(label, other_label, LABEL_LENGTH) != 0);
	check(sign_with(session, key), "C_Sign");
	step(to);
	CK_RV answer;
	while ((answer = label_of(session, key, label)) == CKR_OK)
		;
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	if (answer != CKR_OBJECT_HANDLE_INVALID || p11->C_SignInit(session, &mechanism, key) != CKR_KEY_HANDLE_INVALID)
		fail("a key that was destroyed: 0x%lx", answer);
	check(p11->C_Finalize(NULL), "C_Finalize");
}

int main(int argc, char **argv) {
	if (parse(argc, argv, (option[]){{NULL, NULL, NULL}}) != argc)
		fail("there is an argument that is no option");
	int there[2], back[2];
	load();
	if (pipe(there) != 0 || pipe(back) != 0)
		fail("no pipe");
	pid_t child = fork();
	if (child == 0) {
		watch(there[0], back[1]);
		exit(EXIT_SUCCESS);
	}
	initialize();
	CK_SESSION_HANDLE session = open_session(find_slot());
	login(session);
	count_down(session);
	CK_OBJECT_HANDLE key = generate_counted(session, first_label, 0);
	step(there[1]);
	await(back[0]);
	CK_ATTRIBUTE label = {CKA_LABEL, (void *)(uintptr_t)other_label, LABEL_LENGTH};
	check(p11->C_SetAttributeValue(session, key, &label, 1), "C_SetAttributeValue");
	await(back[0]);
	check(p11->C_DestroyObject(session, key), "C_DestroyObject");
	int status;
	if (waitpid(child, &status, 0) != child || status != 0)
		fail("the other process failed");
	check(p11->C_Finalize(NULL), "C_Finalize");
	puts("seen by others");
	return 0;
}
