/*
 * Measures any PKCS #11 module:
 *
 *	cc -std=c11 -D_GNU_SOURCE -O2 -pthread -o p11bench p11bench.c ../test/client.c -ldl
 *	p11bench --module PATH --pin PIN [--token LABEL] [--threads N] [--seconds S | --count N] [--objects N] MEASURE...
 *
 * KIND-sign      signatures in a second, with a key of the token; KIND is rsa2048, rsa4096, p256 or p384
 * KIND-keygen    milliseconds for a pair on the token, which is destroyed afterwards
 * find           milliseconds to find a key pair and its certificate by id, among --objects objects
 * list           milliseconds to read all objects, as p11tool does
 * login-sign     sessions in a second that log in, find a P-256 key, sign with it and log out
 * clean          destroys what this program has left on the token
 *
 * A line is a measure's name, the threads, the value and its unit. Every thread has a session of its own, and takes --count steps
 * or --seconds of time. Keys for signatures, and the objects of find, stay on the token for the next run.
 */
#include "../test/client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL "p11bench"
#define FILL LABEL " fill"

enum { MAX_OBJECTS = 16384, MAX_FILL_PAIRS = 240, ID_LENGTH = 4 };

static unsigned long threads = 1, duration = 3, steps, objects = 200;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE main_session;

typedef struct worker worker;

/* One step of a measure; answers the seconds that count. */
typedef double (*step)(worker *w);

struct worker {
	pthread_t thread;
	step step;
	const key_kind *kind;
	key_pair pair;
	CK_SESSION_HANDLE session;
	uint64_t random;
	double *taken; /* by each step */
	size_t done, room;
	double end;
};

static atomic_ulong ready;
static atomic_bool begun;

static void note(worker *w, double taken) {
	if (w->done == w->room) {
		w->room = w->room * 2 + 1024;
		w->taken = realloc(w->taken, w->room * sizeof *w->taken);
		if (w->taken == NULL)
			fail("no memory for %zu steps", w->room);
	}
	w->taken[w->done++] = taken;
}

static void *work(void *argument) {
	worker *w = argument;
	atomic_fetch_add(&ready, 1);
	while (!atomic_load(&begun))
		;
	double deadline = seconds() + (double)duration;
	while (steps > 0 ? w->done < steps : seconds() < deadline)
		note(w, w->step(w));
	w->end = seconds();
	return NULL;
}

/* What all workers together have done */
typedef struct {
	double *taken, elapsed;
	size_t done;
} result;

static void join(worker *w, double start, result *all) {
	pthread_join(w->thread, NULL);
	check(p11->C_CloseSession(w->session), "C_CloseSession");
	if (w->end - start > all->elapsed)
		all->elapsed = w->end - start;
	all->taken = realloc(all->taken, (all->done + w->done + 1) * sizeof *all->taken);
	if (all->taken == NULL)
		fail("no memory for %zu steps", all->done + w->done);
	if (w->done > 0)
		memcpy(all->taken + all->done, w->taken, w->done * sizeof *w->taken);
	all->done += w->done;
	free(w->taken);
}

/* Takes steps in all threads at once. */
static result run(step each, const key_kind *kind, key_pair pair) {
	worker *workers = calloc(threads, sizeof *workers);
	if (workers == NULL)
		fail("no memory for %lu threads", threads);
	atomic_store(&ready, 0);
	atomic_store(&begun, false);
	for (unsigned long i = 0; i < threads; i++) {
		workers[i] = (worker){.step = each, .kind = kind, .pair = pair, .session = open_session(slot), .random = i + 1};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			fail("no thread %lu", i);
	}
	while (atomic_load(&ready) < threads)
		;
	double start = seconds();
	atomic_store(&begun, true);
	result all = {NULL, 0, 0};
	for (unsigned long i = 0; i < threads; i++)
		join(&workers[i], start, &all);
	free(workers);
	return all;
}

static void print_rate(const char *name, result r) {
	printf("%s %lu %.1f per-s\n", name, threads, (double)r.done / r.elapsed);
	free(r.taken);
}

static void print_times(const char *name, result r) {
	for (size_t i = 0; i < r.done; i++)
		r.taken[i] *= 1000;
	print_spread(name, threads, r.taken, r.done, "ms");
	free(r.taken);
}

static double sign_once(worker *w) {
	CK_BYTE data[64] = {0}, signature[MAX_SIGNATURE];
	CK_ULONG length;
	uint64_t number = next_number(&w->random);
	memcpy(data, &number, sizeof number);
	double start = seconds();
	check(sign(w->session, w->kind->sign, w->pair.private, data, w->kind->input, signature, &length), "C_Sign");
	return seconds() - start;
}

static void measure_sign(const char *name, const key_kind *kind) {
	char label[64];
	snprintf(label, sizeof label, LABEL " %s", kind->name);
	key_pair pair = find_or_generate(main_session, kind, label);
	prove(main_session, kind, pair);
	print_rate(name, run(sign_once, kind, pair));
}

static void destroy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
	/* A token may take a public key or a certificate away with its private key. */
	CK_RV answer = p11->C_DestroyObject(session, object);
	if (answer != CKR_OBJECT_HANDLE_INVALID)
		check(answer, "C_DestroyObject");
}

static double generate_once(worker *w) {
	CK_BYTE id[8];
	uint64_t number = next_number(&w->random);
	memcpy(id, &number, sizeof id);
	key_pair pair;
	double start = seconds();
	check(generate(w->session, w->kind, LABEL " made", id, sizeof id, &pair), "C_GenerateKeyPair");
	double taken = seconds() - start;
	destroy(w->session, pair.private);
	destroy(w->session, pair.public);
	return taken;
}

static void measure_keygen(const char *name, const key_kind *kind) {
	print_times(name, run(generate_once, kind, (key_pair){0, 0}));
}

/* A certificate of version 1, whose name is p11bench, for a key on P-256. Its signature is none: no module verifies it. */
static const CK_BYTE certificate[] =
	"\x30\x81\xD1\x30\x81\xB7\x02\x04\x01\0\0\0"
	"\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x02"
	"\x30\x13\x31\x11\x30\x0F\x06\x03\x55\x04\x03\x0C\x08p11bench"
	"\x30\x1E\x17\x0D" "260101000000Z" "\x17\x0D" "491231235959Z"
	"\x30\x13\x31\x11\x30\x0F\x06\x03\x55\x04\x03\x0C\x08p11bench"
	"\x30\x59\x30\x13\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07\x03\x42\0"
	"0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0"
	"\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x02"
	"\x03\x09\0\x30\x06\x02\x01\x01\x02\x01\x01";
enum { SERIAL = 6, SERIAL_NUMBER = 10, ISSUER = 24, SUBJECT = 77, NAME_LENGTH = 21, POINT = 124, POINT_LENGTH = 65 };

static CK_RV create_certificate(CK_BYTE id[ID_LENGTH], CK_OBJECT_HANDLE public) {
	CK_BYTE der[sizeof certificate - 1], point[POINT_LENGTH + 2];
	memcpy(der, certificate, sizeof der);
	CK_ATTRIBUTE read = {CKA_EC_POINT, point, sizeof point};
	check(p11->C_GetAttributeValue(main_session, public, &read, 1), "C_GetAttributeValue of CKA_EC_POINT");
	if (read.ulValueLen != sizeof point)
		fail("CKA_EC_POINT: %lu bytes, expected the DER of %d", read.ulValueLen, POINT_LENGTH);
	memcpy(der + POINT, point + 2, POINT_LENGTH);
	memcpy(der + SERIAL_NUMBER, id + 2, 2);

	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE made[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_CERTIFICATE_TYPE, &type, sizeof type}, {CKA_TOKEN, &yes, sizeof yes},
		{CKA_LABEL, FILL, strlen(FILL)}, {CKA_ID, id, ID_LENGTH}, {CKA_VALUE, der, sizeof der},
		{CKA_SUBJECT, der + SUBJECT, NAME_LENGTH}, {CKA_ISSUER, der + ISSUER, NAME_LENGTH}, {CKA_SERIAL_NUMBER, der + SERIAL, 6}};
	CK_OBJECT_HANDLE object;
	return p11->C_CreateObject(main_session, made, sizeof made / sizeof *made, &object);
}

static CK_RV create_data(void) {
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_BBOOL yes = CK_TRUE;
	CK_BYTE value[32] = {0};
	CK_ATTRIBUTE made[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, sizeof yes}, {CKA_LABEL, FILL, strlen(FILL)},
		{CKA_APPLICATION, LABEL, strlen(LABEL)}, {CKA_VALUE, value, sizeof value}};
	CK_OBJECT_HANDLE object;
	return p11->C_CreateObject(main_session, made, sizeof made / sizeof *made, &object);
}

static void number_id(CK_BYTE id[ID_LENGTH], CK_ULONG number) {
	memcpy(id, (CK_BYTE[]){0xB1, 0x1B, (CK_BYTE)(number >> 8), (CK_BYTE)number}, ID_LENGTH);
}

static CK_ULONG count(CK_ATTRIBUTE *attributes, CK_ULONG length) {
	static CK_OBJECT_HANDLE found[MAX_OBJECTS];
	return find(main_session, attributes, length, found, MAX_OBJECTS);
}

static CK_ULONG count_fill_pairs(void) {
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	return count((CK_ATTRIBUTE[]){{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, FILL, strlen(FILL)}}, 2);
}

/* Adds a key pair with its certificate, unless the token has no more room for keys. */
static bool add_pair(CK_ULONG number) {
	CK_BYTE id[ID_LENGTH];
	number_id(id, number);
	key_pair pair;
	if (number >= MAX_FILL_PAIRS || generate(main_session, kind_named("p256", 4), FILL, id, sizeof id, &pair) != CKR_OK)
		return false;
	check(create_certificate(id, pair.public), "C_CreateObject of a certificate");
	return true;
}

static void destroy_labelled(const char *label) {
	static CK_OBJECT_HANDLE found[MAX_OBJECTS];
	CK_ATTRIBUTE wanted = {CKA_LABEL, (void *)label, strlen(label)};
	CK_ULONG n = find(main_session, &wanted, 1, found, MAX_OBJECTS);
	for (CK_ULONG i = 0; i < n; i++)
		destroy(main_session, found[i]);
}

/* Fills the token with key pairs, their certificates, and then with data, and answers how many of its objects there are. */
static CK_ULONG fill(void) {
	CK_ULONG have = count(NULL, 0);
	if (have > objects) {
		destroy_labelled(FILL);
		have = count(NULL, 0);
	}
	CK_ULONG pairs = count_fill_pairs();
	for (; have + 3 <= objects && add_pair(pairs); pairs++)
		have += 3;
	while (have < objects && create_data() == CKR_OK)
		have++;
	return have;
}

static CK_ULONG fill_pairs;

static double find_once(worker *w) {
	CK_BYTE id[ID_LENGTH];
	number_id(id, next_number(&w->random) % fill_pairs);
	CK_ATTRIBUTE wanted = {CKA_ID, id, sizeof id};
	CK_OBJECT_HANDLE found[10];
	double start = seconds();
	CK_ULONG n = find(w->session, &wanted, 1, found, 10);
	double taken = seconds() - start;
	if (n != 3)
		fail("found %lu objects by id, expected a key pair and its certificate", n);
	return taken;
}

static void measure_find(const char *name, const key_kind *kind) {
	CK_ULONG have = fill();
	char line[64];
	snprintf(line, sizeof line, "%s-%lu", name, objects);
	printf("%s-objects 1 %lu objects\n", line, have);
	fill_pairs = count_fill_pairs();
	if (fill_pairs == 0)
		fail("no room for a key to find among %lu objects", objects);
	print_times(line, run(find_once, kind, (key_pair){0, 0}));
}

static void read_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
	CK_OBJECT_CLASS class;
	CK_BYTE label[256], id[256];
	CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, NULL, 0}, {CKA_ID, NULL, 0}};
	CK_RV answer = p11->C_GetAttributeValue(session, object, wanted, 3);
	if (answer != CKR_ATTRIBUTE_TYPE_INVALID) /* data has no id */
		check(answer, "C_GetAttributeValue");
	wanted[1].pValue = label;
	wanted[2].pValue = id;
	wanted[1].ulValueLen = wanted[2].ulValueLen = sizeof label;
	answer = p11->C_GetAttributeValue(session, object, wanted, 3);
	if (answer != CKR_ATTRIBUTE_TYPE_INVALID)
		check(answer, "C_GetAttributeValue");
}

static double list_once(worker *w) {
	CK_OBJECT_HANDLE *found = calloc(MAX_OBJECTS, sizeof *found);
	if (found == NULL)
		fail("no memory for %d handles", MAX_OBJECTS);
	double start = seconds();
	CK_ULONG n = find(w->session, NULL, 0, found, MAX_OBJECTS);
	for (CK_ULONG i = 0; i < n; i++)
		read_object(w->session, found[i]);
	double taken = seconds() - start;
	free(found);
	return taken;
}

static void measure_list(const char *name, const key_kind *kind) {
	printf("%s-objects 1 %lu objects\n", name, count(NULL, 0));
	print_times(name, run(list_once, kind, (key_pair){0, 0}));
}

static double login_sign_once(worker *w) {
	double start = seconds();
	w->session = open_session(slot);
	login(w->session);
	if (!find_key(w->session, CKO_PRIVATE_KEY, LABEL " p256", &w->pair.private))
		fail("the key " LABEL " p256 was not found after login");
	sign_once(w);
	check(p11->C_Logout(w->session), "C_Logout");
	check(p11->C_CloseSession(w->session), "C_CloseSession");
	return seconds() - start;
}

/* A login is the application's, not a session's: one thread alone can log out. */
static void measure_login(const char *name, const key_kind *kind) {
	if (threads != 1)
		fail("%s: expected --threads 1; a program is logged in with all its sessions or with none", name);
	kind = kind_named("p256", 4);
	find_or_generate(main_session, kind, LABEL " p256");
	check(p11->C_Logout(main_session), "C_Logout");
	worker w = {.kind = kind, .random = 1};
	double start = seconds();
	while (steps > 0 ? w.done < steps : seconds() - start < (double)duration)
		note(&w, login_sign_once(&w));
	print_rate(name, (result){w.taken, seconds() - start, w.done});
	login(main_session);
}

static void clean(const char *name, const key_kind *kind) {
	(void)name;
	(void)kind;
	static const char *const labels[] = {FILL, LABEL " made", LABEL " rsa2048", LABEL " rsa4096", LABEL " p256", LABEL " p384"};
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		destroy_labelled(labels[i]);
}

typedef struct {
	const char *name; /* one that begins with a hyphen follows the kind of a key */
	void (*run)(const char *name, const key_kind *kind);
} measure;

static const measure measures[] = {
	{"-sign", measure_sign}, {"-keygen", measure_keygen}, {"find", measure_find},
	{"list", measure_list}, {"login-sign", measure_login}, {"clean", clean},
};

static void take(const char *name) {
	for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
		const measure *m = &measures[i];
		const char *hyphen = strchr(name, '-');
		if (strcmp(m->name, name) == 0) {
			m->run(name, NULL);
			return;
		}
		const key_kind *kind = hyphen == NULL ? NULL : kind_named(name, (size_t)(hyphen - name));
		if (kind != NULL && strcmp(m->name, hyphen) == 0) {
			m->run(name, kind);
			return;
		}
	}
	fail("%s: expected KIND-sign, KIND-keygen, find, list, login-sign or clean", name);
}

int main(int argc, char **argv) {
	const option options[] = {{"--threads", NULL, &threads}, {"--seconds", NULL, &duration}, {"--count", NULL, &steps},
		{"--objects", NULL, &objects}, {NULL, NULL, NULL}};
	int first = parse(argc, argv, options);
	if (threads == 0)
		fail("--threads 0: expected at least one");
	load();
	initialize();
	slot = find_slot();
	main_session = open_session(slot);
	login(main_session);
	for (int i = first; i < argc; i++) {
		take(argv[i]);
		fflush(stdout);
	}
	check(p11->C_Finalize(NULL), "C_Finalize");
	return EXIT_SUCCESS;
}
