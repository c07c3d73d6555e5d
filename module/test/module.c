/*
 * The module against fakeagent.py: module SOCKET [HOW]. Without HOW each function is tried, and what it answers is compared; with
 * one, the agent is hostile, and only has to do no harm. It is linked with the module's own sources, so that sanitizers see them.
 */
#define _GNU_SOURCE
#include "../cryptoki.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;
static const char *hostile;

static void expect(CK_RV answer, CK_RV expected, const char *what, int line) {
	if (answer == expected || hostile != NULL)
		return;
	fprintf(stderr, "%d: %s: answered 0x%lX, expected 0x%lX\n", line, what, answer, expected);
	if (++failures == 10) /* what follows only follows from these */
		exit(EXIT_FAILURE);
}
#define EXPECT(call, expected) expect(call, expected, #call, __LINE__)
#define TRUTH(fact) expect((fact) ? CKR_OK : CKR_GENERAL_ERROR, CKR_OK, #fact, __LINE__)

enum { PUBLIC = 0x11, PRIVATE = 0x12, CURVE = 0x13, DATA = 0x14, SECRET = 0x15, LIMITED = 0x17, SPENT = 0x18, SLOT = 1 };
static CK_UTF8CHAR pin[] = "123456", wrong[] = "654321", text[] = "key";
static CK_BYTE data[1 << 20], buffer[1 << 20];

static CK_MECHANISM mechanism(CK_MECHANISM_TYPE type) {
	return (CK_MECHANISM){.mechanism = type};
}

static CK_SESSION_HANDLE open_session(CK_FLAGS flags) {
	CK_SESSION_HANDLE session = 0;
	EXPECT(C_OpenSession(SLOT, CKF_SERIAL_SESSION | flags, NULL, NULL, &session), CKR_OK);
	return session;
}

static void interfaces(void) {
	CK_INTERFACE *i, list[4];
	CK_ULONG n = 1;
	CK_FUNCTION_LIST *functions;
	EXPECT(C_GetInterface(NULL, NULL, &i, 0), CKR_OK);
	TRUTH(((CK_VERSION *)i->pFunctionList)->minor == 2 && i->flags == CKF_INTERFACE_FORK_SAFE);
	EXPECT(C_GetInterface((CK_UTF8CHAR *)"PKCS 11", &(CK_VERSION){3, 0}, &i, CKF_INTERFACE_FORK_SAFE), CKR_OK);
	EXPECT(C_GetInterface((CK_UTF8CHAR *)"PKCS 11", &(CK_VERSION){3, 3}, &i, 0), CKR_ARGUMENTS_BAD);
	EXPECT(C_GetInterface((CK_UTF8CHAR *)"Other", NULL, &i, 0), CKR_ARGUMENTS_BAD);
	EXPECT(C_GetInterface(NULL, NULL, &i, 2), CKR_ARGUMENTS_BAD);
	EXPECT(C_GetInterface(NULL, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
	EXPECT(C_GetInterfaceList(list, &n), CKR_BUFFER_TOO_SMALL);
	EXPECT(C_GetInterfaceList(list, &n), CKR_OK);
	EXPECT(C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
	EXPECT(C_GetFunctionList(&functions), CKR_OK);
	TRUTH(functions->version.major == 2 && functions->C_Sign == C_Sign);
	EXPECT(C_EncapsulateKey(0, NULL, 0, NULL, 0, NULL, NULL, NULL), CKR_FUNCTION_NOT_SUPPORTED);
	EXPECT(C_GetFunctionStatus(0), CKR_FUNCTION_NOT_PARALLEL);
}

static void slots(void) {
	CK_SLOT_ID ids[2] = {0};
	CK_ULONG n = 0;
	CK_SLOT_INFO slot = {.flags = 0};
	CK_TOKEN_INFO token = {.label = {0}};
	CK_MECHANISM_TYPE types[64];
	CK_MECHANISM_INFO info;
	EXPECT(C_GetSlotList(CK_TRUE, NULL, NULL), CKR_ARGUMENTS_BAD);
	EXPECT(C_GetSlotList(CK_TRUE, NULL, &n), CKR_OK);
	TRUTH(n == 1);
	n = 0;
	EXPECT(C_GetSlotList(CK_TRUE, ids, &n), CKR_BUFFER_TOO_SMALL);
	EXPECT(C_GetSlotList(CK_TRUE, ids, &n), CKR_OK);
	TRUTH(ids[0] == SLOT);
	EXPECT(C_GetSlotInfo(SLOT, &slot), CKR_OK);
	EXPECT(C_GetSlotInfo(2, &slot), CKR_SLOT_ID_INVALID);
	EXPECT(C_GetSlotInfo(SLOT, NULL), CKR_ARGUMENTS_BAD);
	EXPECT(C_GetTokenInfo(SLOT, &token), CKR_OK);
	TRUTH(memcmp(token.label, "fake    ", 8) == 0 && token.ulMaxPinLen == 15);
	n = 0;
	EXPECT(C_GetMechanismList(SLOT, NULL, &n), CKR_OK);
	TRUTH(n == 13);
	EXPECT(C_GetMechanismList(SLOT, types, &n), CKR_OK);
	EXPECT(C_GetMechanismInfo(SLOT, CKM_RSA_PKCS, &info), CKR_OK);
	EXPECT(C_GetMechanismInfo(SLOT, CKM_AES_GCM, &info), CKR_MECHANISM_INVALID);
	EXPECT(C_WaitForSlotEvent(CKF_DONT_BLOCK, ids, NULL), CKR_NO_EVENT);
	EXPECT(C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), CKR_ARGUMENTS_BAD);
}

static void logins(void) {
	CK_SESSION_HANDLE ro = open_session(0), rw = open_session(CKF_RW_SESSION), other = 0;
	CK_SESSION_INFO info = {0};
	CK_TOKEN_INFO token = {.label = {0}};
	EXPECT(C_OpenSession(SLOT, 0, NULL, NULL, &other), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
	EXPECT(C_OpenSession(2, CKF_SERIAL_SESSION, NULL, NULL, &other), CKR_SLOT_ID_INVALID);
	EXPECT(C_OpenSession(SLOT, CKF_SERIAL_SESSION, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
	EXPECT(C_InitToken(SLOT, pin, 6, data), CKR_SESSION_EXISTS);
	EXPECT(C_GetTokenInfo(SLOT, &token), CKR_OK);
	TRUTH(token.ulSessionCount == 2 && token.ulRwSessionCount == 1);
	EXPECT(C_Logout(ro), CKR_USER_NOT_LOGGED_IN);
	EXPECT(C_Login(ro, CKU_SO, pin, 6), CKR_SESSION_READ_ONLY_EXISTS);
	EXPECT(C_Login(ro, 3, pin, 6), CKR_USER_TYPE_INVALID);
	EXPECT(C_Login(ro, CKU_CONTEXT_SPECIFIC, pin, 6), CKR_OPERATION_NOT_INITIALIZED);
	EXPECT(C_Login(ro, CKU_USER, wrong, 6), CKR_PIN_INCORRECT);
	EXPECT(C_Login(ro, CKU_USER, NULL, 6), CKR_ARGUMENTS_BAD);
	EXPECT(C_LoginUser(ro, CKU_USER, pin, 6, NULL, 0), CKR_OK);
	EXPECT(C_Login(rw, CKU_USER, pin, 6), CKR_USER_ALREADY_LOGGED_IN);
	EXPECT(C_Login(rw, CKU_SO, pin, 6), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
	EXPECT(C_GetSessionInfo(ro, &info), CKR_OK);
	TRUTH(info.state == CKS_RO_USER_FUNCTIONS);
	EXPECT(C_SetPIN(rw, pin, 6, NULL, 6), CKR_ARGUMENTS_BAD);
	EXPECT(C_SetPIN(rw, pin, 6, pin, 6), CKR_OK); /* and the agent has nobody logged in any more */
	EXPECT(C_Login(rw, CKU_USER, wrong, 6), CKR_PIN_INCORRECT);
	EXPECT(C_Login(rw, CKU_USER, pin, 6), CKR_OK);
	EXPECT(C_Logout(rw), CKR_OK);
	EXPECT(C_CloseSession(ro), CKR_OK);
	EXPECT(C_CloseSession(ro), CKR_SESSION_HANDLE_INVALID);
	EXPECT(C_Login(rw, CKU_SO, pin, 6), CKR_OK);
	EXPECT(C_OpenSession(SLOT, CKF_SERIAL_SESSION, NULL, NULL, &other), CKR_SESSION_READ_WRITE_SO_EXISTS);
	EXPECT(C_InitPIN(rw, pin, 6), CKR_OK);
	EXPECT(C_CloseSession(rw), CKR_OK);
	rw = open_session(CKF_RW_SESSION);
	EXPECT(C_GetSessionInfo(rw, &info), CKR_OK);
	TRUTH(info.state == CKS_RW_PUBLIC_SESSION);
	EXPECT(C_CloseAllSessions(SLOT), CKR_OK);
	EXPECT(C_GetSessionInfo(rw, &info), CKR_SESSION_HANDLE_INVALID);
	EXPECT(C_InitToken(SLOT, pin, 6, data), CKR_OK);
}

static void objects(void) {
	CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION);
	CK_BYTE label[16] = {0}, little[2];
	CK_OBJECT_CLASS class = 0;
	CK_OBJECT_HANDLE found[8] = {0}, made = 0, second = 0;
	CK_ULONG n = 0, size;
	CK_ATTRIBUTE wanted[] = {{CKA_LABEL, text, 3}}, nested[] = {{CKA_WRAP_TEMPLATE, text, 3}}, empty[] = {{CKA_LABEL, NULL, 3}};
	CK_ATTRIBUTE got[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, sizeof label}, {CKA_PRIVATE_EXPONENT, buffer, 256},
		{CKA_URL, buffer, 256}, {CKA_LABEL, little, sizeof little}, {CKA_LABEL, NULL, 0}};
	CK_MECHANISM pair = mechanism(CKM_RSA_PKCS_KEY_PAIR_GEN), wrap = mechanism(CKM_VENDOR_DEFINED + 1);
	CK_ECDH1_DERIVE_PARAMS ecdh = {.kdf = CKD_NULL, .ulPublicDataLen = 65, .pPublicData = data};
	CK_MECHANISM derive = {CKM_ECDH1_DERIVE, &ecdh, sizeof ecdh}, without = {CKM_ECDH1_DERIVE, NULL, sizeof ecdh};
	EXPECT(C_FindObjects(s, found, 8, &n), CKR_OPERATION_NOT_INITIALIZED);
	EXPECT(C_FindObjectsInit(s, NULL, 1), CKR_ARGUMENTS_BAD);
	EXPECT(C_FindObjectsInit(s, nested, 1), CKR_ATTRIBUTE_TYPE_INVALID);
	EXPECT(C_FindObjectsInit(s, empty, 1), CKR_ATTRIBUTE_VALUE_INVALID);
	EXPECT(C_FindObjectsInit(s, wanted, 1), CKR_OK);
	EXPECT(C_FindObjectsInit(s, wanted, 1), CKR_OPERATION_ACTIVE);
	EXPECT(C_FindObjects(s, found, 1, &n), CKR_OK);
	TRUTH(n == 1 && found[0] == PUBLIC);
	EXPECT(C_FindObjects(s, found, 8, &n), CKR_OK);
	TRUTH(n == 1 && found[0] == PRIVATE);
	EXPECT(C_FindObjectsFinal(s), CKR_OK);
	EXPECT(C_FindObjectsFinal(s), CKR_OPERATION_NOT_INITIALIZED);
	EXPECT(C_GetAttributeValue(s, PRIVATE, got, 6), CKR_ATTRIBUTE_SENSITIVE);
	TRUTH(class == CKO_PRIVATE_KEY && got[1].ulValueLen == 3 && memcmp(label, "key", 3) == 0 && got[5].ulValueLen == 3);
	TRUTH(got[2].ulValueLen == CK_UNAVAILABLE_INFORMATION && got[3].ulValueLen == CK_UNAVAILABLE_INFORMATION);
	TRUTH(got[4].ulValueLen == CK_UNAVAILABLE_INFORMATION);
	EXPECT(C_GetAttributeValue(s, DATA, &got[5], 1), CKR_OK);
	EXPECT(C_GetAttributeValue(s, 99, got, 1), CKR_OBJECT_HANDLE_INVALID);
	EXPECT(C_GetAttributeValue(s, 0, got, 1), CKR_OBJECT_HANDLE_INVALID);
	EXPECT(C_GetObjectSize(s, PRIVATE, &size), CKR_OK);
	wanted[0].ulValueLen = CK_UNAVAILABLE_INFORMATION; /* as C_GetAttributeValue leaves it */
	EXPECT(C_CreateObject(s, wanted, 1, &made), CKR_ATTRIBUTE_VALUE_INVALID);
	wanted[0].ulValueLen = 3;
	EXPECT(C_CreateObject(s, wanted, 1, &made), CKR_OK);
	EXPECT(C_CopyObject(s, made, wanted, 1, &made), CKR_OK);
	EXPECT(C_SetAttributeValue(s, made, wanted, 1), CKR_OK);
	EXPECT(C_DestroyObject(s, made), CKR_OK);
	EXPECT(C_GenerateKeyPair(s, &pair, wanted, 1, wanted, 1, &made, &second), CKR_OK);
	TRUTH(made == PUBLIC && second == PRIVATE);
	EXPECT(C_GenerateKey(s, NULL, wanted, 1, &made), CKR_ARGUMENTS_BAD);
	EXPECT(C_GenerateKey(s, &pair, wanted, 1, NULL), CKR_ARGUMENTS_BAD);
	EXPECT(C_DeriveKey(s, &derive, CURVE, wanted, 1, &made), CKR_OK);
	EXPECT(C_DeriveKey(s, &without, CURVE, wanted, 1, &made), CKR_MECHANISM_PARAM_INVALID);
	n = 3;
	EXPECT(C_WrapKey(s, &wrap, PRIVATE, PRIVATE, NULL, &n), CKR_OK);
	n = 3;
	EXPECT(C_WrapKey(s, &wrap, PRIVATE, PRIVATE, buffer, &n), CKR_BUFFER_TOO_SMALL);
	TRUTH(n == 7);
	EXPECT(C_WrapKey(s, &wrap, PRIVATE, PRIVATE, buffer, &n), CKR_OK);
	EXPECT(C_UnwrapKey(s, &wrap, PRIVATE, buffer, n, wanted, 1, &made), CKR_OK);
	EXPECT(C_GenerateRandom(s, buffer, 100000), CKR_OK);
	EXPECT(C_SeedRandom(s, buffer, 1), CKR_RANDOM_SEED_NOT_SUPPORTED);
	EXPECT(C_CloseSession(s), CKR_OK);
}

/* Signs data in one part and in many, of which the signature must be the same. */
static void sign_sizes(CK_SESSION_HANDLE s, CK_ULONG size) {
	CK_MECHANISM m = mechanism(CKM_SHA256_RSA_PKCS);
	CK_BYTE one[256] = {0}, many[256] = {1};
	CK_ULONG n = sizeof one;
	EXPECT(C_SignInit(s, &m, PRIVATE), CKR_OK);
	EXPECT(C_Sign(s, data, size, one, &n), CKR_OK);
	EXPECT(C_SignInit(s, &m, PRIVATE), CKR_OK);
	for (CK_ULONG at = 0; at < size; at += 70000)
		EXPECT(C_SignUpdate(s, data + at, size - at < 70000 ? size - at : 70000), CKR_OK);
	EXPECT(C_SignFinal(s, many, &n), CKR_OK);
	TRUTH(n == 256 && memcmp(one, many, 256) == 0);
	EXPECT(C_VerifyInit(s, &m, PUBLIC), CKR_OK);
	EXPECT(C_Verify(s, data, size, one, 256), CKR_OK);
	EXPECT(C_VerifySignatureInit(s, &m, PUBLIC, one, 256), CKR_OK);
	EXPECT(C_VerifySignatureUpdate(s, data, size), CKR_OK);
	EXPECT(C_VerifySignatureFinal(s), CKR_OK);
}

static void signatures(CK_SESSION_HANDLE s) {
	CK_MECHANISM m = mechanism(CKM_RSA_PKCS), unknown = mechanism(CKM_AES_GCM), sha = mechanism(CKM_SHA256), ecdsa = mechanism(CKM_ECDSA);
	CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
	CK_MECHANISM probabilistic = {CKM_RSA_PKCS_PSS, &pss, sizeof pss}, bad = {CKM_RSA_PKCS_PSS, &pss, 3};
	CK_ULONG n = 0;
	EXPECT(C_Sign(s, data, 32, buffer, &n), CKR_OPERATION_NOT_INITIALIZED);
	EXPECT(C_SignInit(s, NULL, PRIVATE), CKR_ARGUMENTS_BAD);
	EXPECT(C_SignInit(s, &unknown, PRIVATE), CKR_MECHANISM_INVALID);
	EXPECT(C_SignInit(s, &sha, PRIVATE), CKR_MECHANISM_INVALID);
	EXPECT(C_SignInit(s, &bad, PRIVATE), CKR_MECHANISM_PARAM_INVALID);
	EXPECT(C_SignInit(s, &m, 99), CKR_KEY_HANDLE_INVALID);
	EXPECT(C_SignInit(s, &m, DATA), CKR_KEY_HANDLE_INVALID);
	EXPECT(C_SignInit(s, &m, CURVE), CKR_KEY_TYPE_INCONSISTENT);
	EXPECT(C_SignInit(s, &ecdsa, CURVE), CKR_KEY_FUNCTION_NOT_PERMITTED);
	EXPECT(C_SignInit(s, &m, LIMITED), CKR_MECHANISM_INVALID);
	EXPECT(C_SignInit(s, &probabilistic, LIMITED), CKR_OK);
	EXPECT(C_SignInit(s, NULL, 0), CKR_OK);
	EXPECT(C_SignInit(s, &m, SPENT), CKR_KEY_FUNCTION_NOT_PERMITTED);
	EXPECT(C_SignInit(s, &probabilistic, PRIVATE), CKR_OK);
	EXPECT(C_SignInit(s, &m, PRIVATE), CKR_OPERATION_ACTIVE);
	EXPECT(C_SignInit(s, NULL, 0), CKR_OK);
	EXPECT(C_SignInit(s, &m, PRIVATE), CKR_OK);
	EXPECT(C_Login(s, CKU_CONTEXT_SPECIFIC, pin, 6), CKR_OK);
	EXPECT(C_Sign(s, data, 32, NULL, &n), CKR_OK);
	TRUTH(n == 256);
	n = 255;
	EXPECT(C_Sign(s, data, 32, buffer, &n), CKR_BUFFER_TOO_SMALL);
	TRUTH(n == 256);
	EXPECT(C_Sign(s, data, 32, buffer, &n), CKR_OK);
	EXPECT(C_Sign(s, data, 32, buffer, &n), CKR_OPERATION_NOT_INITIALIZED);
	EXPECT(C_SignInit(s, &m, PRIVATE), CKR_OK);
	EXPECT(C_Sign(s, NULL, 32, buffer, &n), CKR_ARGUMENTS_BAD);
	EXPECT(C_SignFinal(s, buffer, &n), CKR_OPERATION_NOT_INITIALIZED);
	EXPECT(C_VerifyInit(s, &m, PUBLIC), CKR_OK);
	EXPECT(C_Verify(s, data, 32, data, 256), CKR_SIGNATURE_INVALID);
	EXPECT(C_MessageSignInit(s, &m, PRIVATE), CKR_OK);
	for (int i = 0; i < 3; i++) {
		n = 256;
		EXPECT(C_SignMessage(s, NULL, 0, data, 32, buffer, &n), CKR_OK);
	}
	EXPECT(C_Sign(s, data, 32, buffer, &n), CKR_OPERATION_NOT_INITIALIZED);
	EXPECT(C_MessageSignFinal(s), CKR_OK);
	EXPECT(C_MessageSignFinal(s), CKR_OPERATION_NOT_INITIALIZED);
	EXPECT(C_MessageVerifyInit(s, &m, PUBLIC), CKR_OK);
	EXPECT(C_VerifyMessage(s, NULL, 0, data, 32, buffer, 256), CKR_OK);
	EXPECT(C_MessageVerifyFinal(s), CKR_OK);
	EXPECT(C_SignInit(s, &m, PRIVATE), CKR_OK);
	EXPECT(C_SessionCancel(s, CKF_SIGN), CKR_OK);
	EXPECT(C_SignFinal(s, buffer, &n), CKR_OPERATION_NOT_INITIALIZED);
	for (CK_ULONG size = 0; size <= sizeof data; size += 262144) {
		sign_sizes(s, size);
		sign_sizes(s, size > 0 ? size - 1 : 1);
	}
}

static void ciphers(CK_SESSION_HANDLE s) {
	CK_RSA_PKCS_OAEP_PARAMS params = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, text, 3};
	CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &params, sizeof params}, sha = mechanism(CKM_SHA256);
	CK_ULONG n = 10;
	EXPECT(C_DecryptInit(s, &oaep, PRIVATE), CKR_OK);
	EXPECT(C_Decrypt(s, data, 256, NULL, &n), CKR_OK);
	TRUTH(n == 256);
	n = 10;
	EXPECT(C_Decrypt(s, data, 32, buffer, &n), CKR_BUFFER_TOO_SMALL);
	TRUTH(n == 32);
	EXPECT(C_Decrypt(s, data, 32, NULL, &n), CKR_OK);
	EXPECT(C_Decrypt(s, data, 32, buffer, &n), CKR_OK);
	TRUTH(n == 32 && memcmp(buffer, data, 32) == 0);
	EXPECT(C_Decrypt(s, data, 32, buffer, &n), CKR_OPERATION_NOT_INITIALIZED);
	EXPECT(C_EncryptInit(s, &oaep, PUBLIC), CKR_OK);
	n = sizeof buffer;
	EXPECT(C_EncryptUpdate(s, data, 100, buffer, &n), CKR_OK);
	n = sizeof buffer;
	EXPECT(C_EncryptFinal(s, buffer, &n), CKR_OK);
	EXPECT(C_EncryptInit(s, &oaep, PUBLIC), CKR_OK);
	n = sizeof buffer;
	EXPECT(C_EncryptUpdate(s, data, 100, buffer, &n), CKR_OK);
	n = sizeof buffer;
	EXPECT(C_EncryptUpdate(s, data, sizeof data, buffer, &n), CKR_DATA_LEN_RANGE); /* the agent has to hear that it is over */
	EXPECT(C_EncryptInit(s, &oaep, PUBLIC), CKR_OK);
	n = sizeof buffer;
	EXPECT(C_Encrypt(s, data, 100, buffer, &n), CKR_OK);
	params.pSourceData = NULL;
	EXPECT(C_EncryptInit(s, &oaep, PUBLIC), CKR_MECHANISM_PARAM_INVALID);
	sha.pParameter = (void *)1; /* it takes none, and there are programs that leave there what was there */
	sha.ulParameterLen = 3;
	EXPECT(C_DigestInit(s, &sha), CKR_OK);
	EXPECT(C_DigestUpdate(s, data, sizeof data), CKR_OK);
	EXPECT(C_DigestFinal(s, NULL, &n), CKR_OK);
	TRUTH(n == 32);
	EXPECT(C_DigestFinal(s, buffer, &n), CKR_OK);
	EXPECT(C_DigestInit(s, &sha), CKR_OK);
	EXPECT(C_DigestKey(s, 99), CKR_KEY_HANDLE_INVALID);
	EXPECT(C_DigestKey(s, PRIVATE), CKR_KEY_INDIGESTIBLE);
	EXPECT(C_DigestUpdate(s, data, 1), CKR_OK);
	EXPECT(C_Digest(s, data, 1, buffer, &n), CKR_OPERATION_ACTIVE);
	EXPECT(C_DigestFinal(s, buffer, &n), CKR_OPERATION_NOT_INITIALIZED);
	EXPECT(C_DigestInit(s, &sha), CKR_OK);
	EXPECT(C_Digest(s, data, 1, NULL, &n), CKR_OK);
	EXPECT(C_DigestFinal(s, buffer, &n), CKR_OPERATION_ACTIVE);
	EXPECT(C_DigestInit(s, &sha), CKR_OK);
	EXPECT(C_DigestUpdate(s, data, 300000), CKR_OK);
	EXPECT(C_SessionCancel(s, CKF_DIGEST), CKR_OK);
}

/* How long the output of a cipher is said to be, for the length of its input. */
static void lengths(CK_SESSION_HANDLE s) {
	CK_BYTE iv[16] = {0};
	CK_AES_CTR_PARAMS counter = {.ulCounterBits = 128};
	CK_MECHANISM ciphers[] = {{CKM_AES_CBC, iv, 16}, {CKM_AES_CTR, &counter, sizeof counter}, {CKM_AES_CBC_PAD, iv, 16}, {CKM_AES_CTR, iv, 16}};
	for (int i = 0; i < 3; i++) {
		CK_ULONG n = 0, more = i == 2 ? 16 : 0;
		EXPECT(C_EncryptInit(s, &ciphers[i], SECRET), CKR_OK);
		EXPECT(C_Encrypt(s, data, 64, NULL, &n), CKR_OK);
		TRUTH(n == 64 + more);
		n = 63;
		EXPECT(C_Encrypt(s, data, 64, buffer, &n), CKR_BUFFER_TOO_SMALL);
		TRUTH(n == 64);
		EXPECT(C_Encrypt(s, data, 64, buffer, &n), CKR_OK);
		EXPECT(C_DecryptInit(s, &ciphers[i], SECRET), CKR_OK);
		EXPECT(C_DecryptUpdate(s, data, 20, NULL, &n), CKR_OK);
		TRUTH(n == 36); /* something may have waited for it */
		EXPECT(C_DecryptInit(s, NULL, SECRET), CKR_OK);
	}
	EXPECT(C_EncryptInit(s, &ciphers[3], SECRET), CKR_MECHANISM_PARAM_INVALID);
}

/* A child is as before C_Initialize, and then goes where its parent went; the parent does not notice. */
static void forks(CK_SESSION_HANDLE s) {
	pid_t pid = fork();
	int status = 0;
	if (pid == 0) {
		CK_SESSION_INFO info = {0};
		failures = 0;
		EXPECT(C_GetSessionInfo(s, &info), CKR_CRYPTOKI_NOT_INITIALIZED);
		EXPECT(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
		unsetenv("CONCLAVE_AGENT");
		EXPECT(C_Initialize(NULL), CKR_OK);
		EXPECT(C_GetSessionInfo(s, &info), CKR_SESSION_HANDLE_INVALID);
		signatures(open_session(0));
		EXPECT(C_Finalize(NULL), CKR_OK);
		_exit(failures > 0);
	}
	TRUTH(waitpid(pid, &status, 0) == pid && status == 0);
	signatures(s);
}

enum { CHANGING = 0x16 };

static void *get_label(void *session) {
	CK_BYTE label[3];
	CK_ATTRIBUTE wanted = {CKA_LABEL, label, 3};
	EXPECT(C_GetAttributeValue(*(CK_SESSION_HANDLE *)session, CHANGING, &wanted, 1), CKR_OK);
	return label[0] == 'n' ? session : NULL;
}

/* What an answer says that was on its way while the object changed is not kept. */
static void late_answers(void) {
	CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION), other = open_session(0);
	pthread_t thread;
	void *changed = &s;
	TRUTH(pthread_create(&thread, NULL, get_label, &other) == 0);
	EXPECT(C_SetAttributeValue(s, CHANGING, &(CK_ATTRIBUTE){CKA_LABEL, text, 3}, 1), CKR_OK);
	EXPECT(C_GenerateRandom(s, buffer, 1), CKR_OK);
	pthread_join(thread, &changed);
	TRUTH(changed == NULL && get_label(&s) == &s);
}

/* Threads that call, and processes that are forked, while the module begins and ends. A child has no lock, count or list half done. */

#ifdef __SANITIZE_ADDRESS__
enum { FORKS = false }; /* its locks are not for a child of many threads */
#else
enum { FORKS = true };
#endif

static atomic_bool lived;

static void *call_always(void *unused) {
	CK_SESSION_INFO info;
	while (!lived) {
		C_GetSessionInfo(1, &info);
		sched_yield(); /* valgrind runs one thread at a time, and not in turn */
	}
	return unused;
}

static void child_life(void) {
	pid_t pid = fork();
	int status = 0;
	if (pid == 0) {
		bool fine = C_Initialize(NULL) == CKR_OK && C_WaitForSlotEvent(CKF_DONT_BLOCK, &(CK_SLOT_ID){0}, NULL) == CKR_NO_EVENT;
		_exit(!fine || C_Finalize(NULL) != CKR_OK);
	}
	TRUTH(waitpid(pid, &status, 0) == pid && status == 0);
}

static void *fork_always(void *unused) {
	while (!lived && FORKS)
		child_life();
	return unused;
}

static void lives(void) {
	void *(*const work[])(void *) = {call_always, call_always, fork_always};
	pthread_t threads[3];
	CK_ULONG n;
	for (int i = 0; i < 3; i++)
		TRUTH(pthread_create(&threads[i], NULL, work[i], NULL) == 0);
	for (int i = 0; i < 3000; i++) {
		EXPECT(C_Finalize(NULL), CKR_OK);
		EXPECT(C_Initialize(NULL), CKR_OK);
		if (i % 100 == 0) /* so that there is a connection to forget */
			EXPECT(C_GetSlotList(CK_TRUE, NULL, &n), CKR_OK);
	}
	lived = true;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

/* The agent is another one after each login and each signature. */
static void restarts(void) {
	CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION), idle = open_session(0);
	CK_MECHANISM m = mechanism(CKM_SHA256_RSA_PKCS);
	CK_SESSION_INFO info = {0};
	CK_OBJECT_HANDLE made;
	CK_ULONG n = 256;
	EXPECT(C_Login(s, CKU_USER, pin, 6), CKR_OK);
	for (int i = 0; i < 20; i++) {
		EXPECT(C_SignInit(s, &m, PRIVATE), CKR_OK);
		EXPECT(C_Sign(s, data, 32, buffer, &n), CKR_OK);
	}
	EXPECT(C_GetSessionInfo(s, &info), CKR_OK);
	TRUTH(info.state == CKS_RW_USER_FUNCTIONS);
	EXPECT(C_CopyObject(s, PRIVATE, NULL, 0, &made), CKR_OK);
	for (int i = 0; i < 3; i++) { /* an alias goes on being its key */
		EXPECT(C_SignInit(s, &m, made), CKR_OK);
		EXPECT(C_Sign(s, data, 32, buffer, &n), CKR_OK);
	}
	EXPECT(C_SignInit(s, &m, PRIVATE), CKR_OK);
	EXPECT(C_SignUpdate(s, data, 300000), CKR_OK); /* more than is collected: the agent that has it ends */
	EXPECT(C_SignFinal(s, buffer, &n), CKR_SESSION_HANDLE_INVALID);
	EXPECT(C_GetSessionInfo(s, &info), CKR_SESSION_HANDLE_INVALID);
	s = open_session(CKF_RW_SESSION);
	EXPECT(C_CreateObject(s, NULL, 1, &made), CKR_ARGUMENTS_BAD);
	EXPECT(C_CreateObject(s, &(CK_ATTRIBUTE){CKA_LABEL, text, 3}, 1, &made), CKR_OK);
	EXPECT(C_SignInit(idle, &m, PRIVATE), CKR_OK);
	EXPECT(C_Sign(idle, data, 32, buffer, &n), CKR_OK);
	EXPECT(C_DestroyObject(s, made), CKR_SESSION_HANDLE_INVALID);
	EXPECT(C_GetSessionInfo(idle, &info), CKR_OK);
	TRUTH(info.state == CKS_RO_USER_FUNCTIONS);
}

/* A program that closes all that it has open, and gives the numbers to files of its own and to connections to others. */
static void descriptors(CK_SESSION_HANDLE s) {
	enum { LAST = 60 };
	char path[] = "/tmp/module-test-XXXXXX";
	int file = mkstemp(path), strangers[2], fd;
	unlink(path);
	fflush(NULL);
	signatures(s);
	for (fd = 0; fd < LAST; fd++)
		if (fd != file)
			close(fd);
	signatures(s); /* the connections are others now, and not among the standard ones */
	for (fd = 0; fd <= STDERR_FILENO; fd++)
		TRUTH(fcntl(fd, F_GETFD) < 0);
	for (fd = 0; fd < LAST; fd += 2)
		if (fd != file && socketpair(AF_UNIX, SOCK_STREAM, 0, strangers) == 0) {
			dup2(strangers[0], fd + LAST);
			dup2(strangers[1], fd + LAST + 1);
		}
	for (fd = 0; fd < LAST; fd++)
		if (fd != file)
			dup2(fd < LAST / 2 ? file : fd + LAST, fd);
	signatures(s);
	EXPECT(C_Finalize(NULL), CKR_OK);
	struct stat st;
	TRUTH(fstat(file, &st) == 0 && st.st_size == 0);
	for (fd = 0; fd < LAST; fd++)
		TRUTH(fcntl(fd, F_GETFD) >= 0 && (fd < LAST / 2 || recv(fd, buffer, 1, MSG_DONTWAIT) < 0));
}

/* In a child, which has no use for what it closes. */
static void closes_all(void) {
	pid_t pid = fork();
	int status = 0;
	if (pid == 0) {
		failures = 0;
		EXPECT(C_Initialize(NULL), CKR_OK);
		descriptors(open_session(0));
		_exit(failures > 0);
	}
	TRUTH(waitpid(pid, &status, 0) == pid && status == 0);
}

static void all(void) {
	slots();
	logins();
	objects();
	CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION);
	signatures(s);
	ciphers(s);
	lengths(s);
	if (hostile == NULL) {
		forks(s);
		closes_all();
		late_answers();
		lives();
	}
}

int main(int argc, char **argv) {
	char option[256], bad[] = "configdir=/";
	CK_INFO info;
	snprintf(option, sizeof option, "agent=%s", argc > 1 ? argv[1] : "");
	hostile = argc > 2 && strcmp(argv[2], "restart") != 0 ? argv[2] : NULL;
	interfaces();
	EXPECT(C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
	EXPECT(C_Initialize(&(CK_C_INITIALIZE_ARGS){.pReserved = bad}), CKR_ARGUMENTS_BAD);
	EXPECT(C_Initialize(&(CK_C_INITIALIZE_ARGS){.pReserved = (void *)1}), CKR_ARGUMENTS_BAD);
	EXPECT(C_Initialize(&(CK_C_INITIALIZE_ARGS){.pReserved = option}), CKR_OK);
	EXPECT(C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	EXPECT(C_GetInfo(&info), CKR_OK);
	setenv("CONCLAVE_AGENT", argc > 1 ? argv[1] : "", 1);
	if (hostile != NULL && strcmp(hostile, "ending") == 0) {
		CK_ULONG n;
		failures += C_GetSlotList(CK_TRUE, NULL, &n) != CKR_DEVICE_REMOVED;
	}
	if (argc > 2 && hostile == NULL)
		restarts();
	else
		all();
	EXPECT(C_Finalize(data), CKR_ARGUMENTS_BAD);
	EXPECT(C_Finalize(NULL), CKR_OK);
	EXPECT(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	return failures > 0;
}
