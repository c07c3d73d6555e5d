/*
 * A program that forks while it uses a module:
 *
 *	fork --module PATH --pin PIN [--token LABEL] [--generations N] [--forks M]
 *
 * A child's calls answer CKR_CRYPTOKI_NOT_INITIALIZED until it initialises anew; then it logs in, signs, and has a child of its own,
 * N times. Its parent goes on with the session that it had. Then one thread signs all the time, and another one forks M times: the
 * child must not wait for a lock that a thread held which it has not.
 */
#include "client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <signal.h>
#endif

static const char label[] = "fork p256";

static unsigned long generations = 10, forks = 100;

typedef struct {
	CK_SESSION_HANDLE session;
	key_pair pair;
} client;

static const key_kind *kind(void) {
	return kind_named("p256", 4);
}

static client start(void) {
	initialize();
	client c = {.session = open_session(find_slot())};
	login(c.session);
	c.pair = find_or_generate(c.session, kind(), label);
	prove(c.session, kind(), c.pair);
	return c;
}

static void stop(void) {
	check(p11->C_Finalize(NULL), "C_Finalize");
}

/* A child that hangs ends with its parent. */
static pid_t split(void) {
	fflush(NULL);
	pid_t child = fork();
	if (child < 0)
		fail("no process");
#ifdef __linux__
	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	return child;
}

static void await(pid_t child, const char *what, unsigned long number) {
	int status;
	if (waitpid(child, &status, 0) != child)
		fail("%s %lu: lost", what, number);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
		fail("%s %lu: ended with status 0x%x, expected 0", what, number, (unsigned)status);
}

/* What the parent has is not the child's. */
static void expect_nothing(const client *parent) {
	CK_SESSION_INFO info;
	CK_MECHANISM mechanism = {kind()->sign, NULL, 0};
	CK_RV answers[] = {p11->C_GetSessionInfo(parent->session, &info),
		p11->C_SignInit(parent->session, &mechanism, parent->pair.private), p11->C_Finalize(NULL)};
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
		if (answers[i] != CKR_CRYPTOKI_NOT_INITIALIZED)
			fail("call %zu of a child answered 0x%lX, expected CKR_CRYPTOKI_NOT_INITIALIZED", i, answers[i]);
}

static void generation(const client *parent, unsigned long number) {
	expect_nothing(parent);
	client mine = start();
	if (number < generations) {
		pid_t child = split();
		if (child == 0) {
			generation(&mine, number + 1);
			exit(EXIT_SUCCESS);
		}
		await(child, "generation", number + 1);
	}
	prove(mine.session, kind(), mine.pair);
	stop();
}

static atomic_bool finished;
static atomic_ulong signatures;

static void *keep_signing(void *argument) {
	client c = *(client *)argument;
	c.session = open_session(find_slot());
	while (!atomic_load(&finished)) {
		prove(c.session, kind(), c.pair);
		atomic_fetch_add(&signatures, 1);
	}
	check(p11->C_CloseSession(c.session), "C_CloseSession");
	return NULL;
}

static void fork_amid_calls(client *parent) {
	pthread_t thread;
	if (pthread_create(&thread, NULL, keep_signing, parent) != 0)
		fail("no thread");
	for (unsigned long i = 1; i <= forks; i++) {
		unsigned long before = atomic_load(&signatures);
		pid_t child = split();
		if (child == 0) {
			start();
			stop();
			exit(EXIT_SUCCESS);
		}
		await(child, "fork", i);
		prove(parent->session, kind(), parent->pair);
		while (atomic_load(&signatures) == before) /* the other thread goes on, too */
			;
	}
	atomic_store(&finished, true);
	pthread_join(thread, NULL);
}

int main(int argc, char **argv) {
	const option options[] = {{"--generations", NULL, &generations}, {"--forks", NULL, &forks}, {NULL, NULL, NULL}};
	if (parse(argc, argv, options) != argc)
		fail("%s: expected options alone", argv[argc - 1]);
	load();
	client first = start();
	pid_t child = generations == 0 ? 1 : split();
	if (child == 0) {
		generation(&first, 1);
		exit(EXIT_SUCCESS);
	}
	if (generations > 0)
		await(child, "generation", 1);
	prove(first.session, kind(), first.pair);
	printf("generations %lu\n", generations);
	fork_amid_calls(&first);
	printf("forks %lu\n", forks);
	stop();
	return EXIT_SUCCESS;
}
