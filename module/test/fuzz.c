/*
 * Feeds the module with what an agent could send. The first byte of the input says to which part: the reader of answers, of the
 * directory, of records; or to all of the module, as the answers to the calls of a program, each behind its length of 16 bits.
 * libFuzzer runs it; with -DREPLAY it has a main of its own, which runs the files of the folders that it is given.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* The agent: a thread that takes one connection after the other. */

static char option[128];
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static const uint8_t *answers;
static size_t left;

static bool receive(int fd, void *to, size_t n) {
	for (ssize_t got; n > 0; n -= (size_t)got, to = (char *)to + got)
		if ((got = recv(fd, to, n, 0)) <= 0)
			return false;
	return true;
}

static void reply(int fd, const void *bytes, size_t n) {
	unsigned head[2] = {(unsigned)n, 0};
	if (send(fd, head, sizeof head, MSG_NOSIGNAL) == sizeof head)
		(void)!send(fd, bytes, n, MSG_NOSIGNAL);
}

/* Sends the next answer of the input, if there is one. */
static bool reply_next(int fd) {
	uint16_t n;
	pthread_mutex_lock(&turn);
	bool some = left >= sizeof n;
	if (some) {
		memcpy(&n, answers, sizeof n);
		n = n > left - sizeof n ? (uint16_t)(left - sizeof n) : n;
		reply(fd, answers + sizeof n, n);
		answers += sizeof n + n;
		left -= sizeof n + n;
	}
	pthread_mutex_unlock(&turn);
	return some;
}

static void serve(int fd) {
	static uint8_t request[MAX_REQUEST];
	static const CK_ULONG welcome[] = {CKR_OK, 1, 7, 1, 0};
	struct {
		unsigned size;
		uint16_t call, flags;
	} head;
	while (receive(fd, &head, sizeof head) && head.size <= sizeof request && receive(fd, request, head.size))
		if (head.call == HELLO)
			reply(fd, welcome, sizeof welcome);
		else if (!reply_next(fd))
			return;
}

static void *listen_forever(void *listener) {
	for (;;) {
		int fd = accept(*(int *)listener, NULL, NULL);
		serve(fd);
		close(fd);
	}
	return NULL;
}

static void start(void) {
	static int listener;
	pthread_t thread;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char folder[] = "/tmp/fuzz-XXXXXX";
	if (*option != '\0')
		return;
	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(address.sun_path, sizeof address.sun_path, "%s/s", folder);
	snprintf(option, sizeof option, "agent=%s", address.sun_path);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 16) != 0 ||
	    pthread_create(&thread, NULL, listen_forever, &listener) != 0)
		abort();
}

/* The program */

static bool more(void) {
	pthread_mutex_lock(&turn);
	bool some = left > 0;
	pthread_mutex_unlock(&turn);
	return some;
}

static void use_object(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o) {
	CK_BYTE small[16], large[4096] = {0};
	CK_ULONG n = sizeof small;
	CK_ATTRIBUTE wanted[] = {{CKA_CLASS, small, sizeof small}, {CKA_LABEL, large, sizeof large}, {CKA_VALUE, NULL, 0}};
	CK_MECHANISM sign = {CKM_SHA256_RSA_PKCS, NULL, 0}, decrypt = {CKM_RSA_PKCS, NULL, 0};
	C_GetAttributeValue(s, o, wanted, 3);
	C_GetObjectSize(s, o, &n);
	C_SignInit(s, &sign, o);
	n = sizeof large;
	C_Sign(s, large, 32, large, &n);
	C_SignInit(s, &sign, o);
	C_SignUpdate(s, large, 32);
	n = sizeof small;
	C_SignFinal(s, small, &n);
	n = sizeof large;
	C_SignFinal(s, large, &n);
	C_DecryptInit(s, &decrypt, o);
	n = sizeof small;
	C_Decrypt(s, large, 256, small, &n);
	n = n > sizeof large ? sizeof large : n;
	C_Decrypt(s, large, 256, large, &n);
	C_SetAttributeValue(s, o, wanted, 1);
}

static void use_module(void) {
	CK_SLOT_ID slots[4] = {0};
	CK_ULONG n = 4;
	CK_TOKEN_INFO token;
	CK_MECHANISM_TYPE types[4];
	CK_SESSION_HANDLE s = 0;
	CK_OBJECT_HANDLE found[8], made, other;
	CK_UTF8CHAR pin[] = "123456", random[100];
	CK_MECHANISM pair = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0}, wrap = {CKM_VENDOR_DEFINED + 1, NULL, 0};
	C_Initialize(&(CK_C_INITIALIZE_ARGS){.pReserved = option});
	C_GetSlotList(CK_FALSE, slots, &n);
	C_GetTokenInfo(slots[0], &token);
	n = 4;
	C_GetMechanismList(slots[0], types, &n);
	C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s);
	C_Login(s, CKU_USER, pin, 6);
	while (more() && C_FindObjectsInit(s, NULL, 0) == CKR_OK) {
		n = 0;
		C_FindObjects(s, found, 8, &n);
		C_FindObjectsFinal(s);
		for (CK_ULONG i = 0; i < n && more(); i++)
			use_object(s, found[i]);
		C_GenerateKeyPair(s, &pair, NULL, 0, NULL, 0, &made, &other);
		n = sizeof random;
		C_WrapKey(s, &wrap, 1, 2, random, &n);
		C_GenerateRandom(s, random, sizeof random);
		C_WaitForSlotEvent(CKF_DONT_BLOCK, slots, NULL);
	}
	C_CloseSession(s);
	C_Finalize(NULL);
}

/* The readers */

static void read_one(int which, const uint8_t *input, size_t size) {
	struct reader r = {.at = input, .left = size}, results;
	struct record *record;
	struct directory *directory;
	CK_RV rv;
	CK_ULONG generation;
	size_t total;
	if (which == 0)
		read_answer(input, size, &total, &rv, &generation, &results);
	if (which == 1 && read_directory(&r, &directory) == CKR_OK)
		free(directory);
	while (which == 2 && r.left > 0 && read_record(&r, 1, &record) == CKR_OK) {
		is_true(record, CKA_SIGN);
		number_of(record, CKA_CLASS, 0);
		free(record);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
	if (size == 0)
		return 0;
	if (*input < 3) {
		read_one(*input, input + 1, size - 1);
		return 0;
	}
	start();
	pthread_mutex_lock(&turn);
	answers = input + 1;
	left = size - 1;
	pthread_mutex_unlock(&turn);
	use_module();
	pthread_mutex_lock(&turn);
	left = 0;
	pthread_mutex_unlock(&turn);
	return 0;
}

#ifdef REPLAY
int main(int argc, char **argv) {
	static uint8_t input[1 << 20];
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		if (file == NULL) {
			perror(argv[i]);
			return EXIT_FAILURE;
		}
		LLVMFuzzerTestOneInput(input, fread(input, 1, sizeof input, file));
		fclose(file);
	}
	return EXIT_SUCCESS;
}
#endif
