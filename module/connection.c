#define _GNU_SOURCE
#include "connection.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "state.h"

extern char **environ;

static long processors = 1;
static _Atomic long asking; /* threads that the agent owes an answer */

/* Of the protocol: what HELLO says, what its answer does from an agent that takes processors, and the last of these. */
enum { VERSION = 1, TAKES_PROCESSORS = 2, MAX_PROCESSOR = 0x7FFE };

enum { ATTENTION = 500000, MAX_IDLE = 256, MAX_SECRET = 256, ATTEMPTS = 5, STARTS = 5, WAITS = 500 };

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Held while a connection is opened, so that one thread alone says HELLO as a new client, and resumes its logins. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static struct {
	struct sockaddr_un address;
	bool given; /* by the environment or the application: then it is not ours to start it */
	bool known; /* it answered when it was last asked */
	char program[PATH_MAX];
	CK_ULONG instance, client;
	CK_BYTE secret[MAX_SECRET];
	size_t secret_len;
	CK_ULONG epoch; /* how many clients the module has been */
	struct connection *_Atomic all;
	struct connection *idle;
	unsigned idle_count;
} agent;

/* Where it is */

static bool set_path(const char *folder, const char *path) {
	char *to = agent.address.sun_path;
	int n = snprintf(to, sizeof agent.address.sun_path, "%s%s", folder, path);
	return n > 0 && (size_t)n < sizeof agent.address.sun_path;
}

static bool program_in(const char *folder, const char *below) {
	int n = snprintf(agent.program, sizeof agent.program, "%s%s/conclave", folder, below);
	if (n > 0 && (size_t)n < sizeof agent.program && access(agent.program, X_OK) == 0)
		return true;
	agent.program[0] = '\0';
	return false;
}

/* The program that was installed with this module: beside it, or in the bin that belongs to its lib. */
static void locate_program(void) {
	static const char *const libraries[] = {"/lib/", "/lib64/"};
	Dl_info self;
	char folder[PATH_MAX], *end;
	agent.program[0] = '\0';
	if (dladdr(&agent, &self) == 0 || self.dli_fname == NULL || realpath(self.dli_fname, folder) == NULL ||
	    (end = strrchr(folder, '/')) == NULL)
		return;
	*end = '\0';
	if (program_in(folder, ""))
		return;
	for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
		if ((end = strstr(folder, libraries[i])) != NULL) {
			*end = '\0';
			program_in(folder, "/bin");
			return;
		}
}

CK_RV agent_locate(const char *path) {
	const char *home = secure_getenv("XDG_DATA_HOME"), *rest = "/conclave/agent.sock";
	locate_program();
	processors = sysconf(_SC_NPROCESSORS_ONLN);
	if (path == NULL || *path == '\0')
		path = secure_getenv("CONCLAVE_AGENT");
	agent.address = (struct sockaddr_un){.sun_family = AF_UNIX};
	agent.given = path != NULL && *path != '\0';
	if (agent.given)
		return set_path("", path) ? CKR_OK : CKR_ARGUMENTS_BAD;
	if (home == NULL || *home != '/') {
		home = secure_getenv("HOME");
		rest = "/.local/share/conclave/agent.sock";
	}
	if (home == NULL || !set_path(home, rest))
		agent.address.sun_path[0] = '\0'; /* found nowhere: calls say so */
	return CKR_OK;
}

/* Starting it */

/* Descriptors of the application are not the agent's: one that stayed open there would keep a port of a server that has ended. */
static bool close_others(posix_spawn_file_actions_t *actions) {
	DIR *folder = opendir("/proc/self/fd");
	bool ok = true;
	if (folder == NULL)
		return true;
	for (struct dirent *e; ok && (e = readdir(folder)) != NULL;) {
		int fd = atoi(e->d_name);
		if (fd > STDERR_FILENO)
			ok = posix_spawn_file_actions_addclose(actions, fd) != ENOMEM;
	}
	closedir(folder);
	return ok;
}

enum ran { NOT_RUN, FAILED, RAN };

static enum ran run(const char *program, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes) {
	char name[] = "conclave", command[] = "agent", option[] = "--start", *args[] = {name, command, option, NULL};
	pid_t pid;
	int status = 0;
	if (*program == '\0' || posix_spawnp(&pid, program, actions, attributes, args, environ) != 0)
		return NOT_RUN;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno == ECHILD ? RAN : FAILED; /* the application ignores SIGCHLD: whether it started, the socket tells */
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? RAN : FAILED;
}

static bool start(void) {
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	enum ran ran = FAILED;
	if (getauxval(AT_SECURE) != 0 || posix_spawn_file_actions_init(&actions) != 0)
		return false;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return false;
	}
	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
	    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0 && close_others(&actions) &&
	    posix_spawnattr_setsigmask(&attributes, &none) == 0 && posix_spawnattr_setsigdefault(&attributes, &all) == 0 &&
	    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0)
		ran = run(agent.program, &actions, &attributes);
	if (ran == NOT_RUN)
		ran = run("conclave", &actions, &attributes);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return ran == RAN;
}

/* Reaching it */

/* PINs go to our own agent, or root's; where a path was given, also to that of the owner of its folder, who says who listens there. */
static bool trusted(int fd) {
	struct ucred peer;
	socklen_t n = sizeof peer;
	char folder[sizeof agent.address.sun_path];
	struct stat st;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0 || n != sizeof peer)
		return false;
	if (peer.uid == geteuid() || peer.uid == 0)
		return true;
	memcpy(folder, agent.address.sun_path, sizeof folder);
	char *slash = strrchr(folder, '/');
	if (!agent.given || slash == NULL)
		return false;
	slash[slash == folder] = '\0';
	return stat(folder, &st) == 0 && st.st_uid == peer.uid;
}

/* Where a program has closed its standard error, what it writes there goes to whatever has that number: never to the agent. */
static int new_socket(void) {
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), low = fd;
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	fd = fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(low);
	return fd;
}

static bool reach_once(struct connection *k) {
	struct stat st;
	int fd = new_socket(), rc = -1;
	if (fd < 0)
		return false;
	do
		rc = connect(fd, (const struct sockaddr *)&agent.address, sizeof agent.address);
	while (rc != 0 && errno == EINTR);
	if (rc != 0 || !trusted(fd) || fstat(fd, &st) != 0) {
		close(fd);
		return false;
	}
	pthread_mutex_lock(&lock);
	bool wanted = initialised(); /* otherwise C_Finalize does not see this one any more */
	if (wanted) {
		k->fd = fd;
		k->device = st.st_dev;
		k->inode = st.st_ino;
	}
	pthread_mutex_unlock(&lock);
	if (!wanted)
		close(fd);
	return wanted;
}

/*
 * Whether it may be there now: it has answered who started it, and can only have been killed since; or it is not ours to start, but
 * was there before, and so may be on its way.
 */
static bool comes(void) {
	if (!agent.given)
		return start();
	nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	return agent.known;
}

static bool reach(struct connection *k) {
	bool somewhere = agent.address.sun_path[0] != '\0', reached = somewhere && reach_once(k);
	for (int times = agent.given ? WAITS : STARTS; somewhere && !reached && times > 0 && initialised() && comes(); times--)
		reached = reach_once(k);
	agent.known = reached;
	return reached;
}

/*
 * Whether the descriptor is still the connection. A program that becomes a daemon closes all that it has open, and gives the numbers
 * to files and connections of its own, which nothing must be written to, and which must stay open.
 */
static bool is_open(const struct connection *k) {
	struct stat st;
	return k->fd >= 0 && fstat(k->fd, &st) == 0 && st.st_dev == k->device && st.st_ino == k->inode;
}

static void hang_up(struct connection *k) {
	pthread_mutex_lock(&lock);
	if (is_open(k))
		close(k->fd);
	k->fd = -1;
	pthread_mutex_unlock(&lock);
}

/* A round trip */

static bool send_all(int fd, const CK_BYTE *bytes, size_t n) {
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		bytes += sent;
		n -= (size_t)sent;
	}
	return true;
}

static void wipe_answer(struct connection *k) {
	explicit_bzero(k->answer, k->used);
	if (k->answer != k->first)
		free(k->answer);
	k->answer = k->first;
	k->size = sizeof k->first;
	k->used = 0;
}

static bool make_room(struct connection *k, size_t total) {
	if (total <= k->size)
		return true;
	CK_BYTE *answer = malloc(total);
	if (answer == NULL)
		return false;
	memcpy(answer, k->answer, k->used);
	explicit_bzero(k->answer, k->used);
	k->answer = answer;
	k->size = total;
	return true;
}

/*
 * Reads what comes within a moment: a processor that has gone to sleep takes longer to wake than many an answer to come. Where threads
 * and those of the agent want more processors than there are, looking takes one away from who has work.
 */
static ssize_t spin(const struct connection *k) {
	struct timespec begun, now;
	ssize_t n = -1;
	errno = EAGAIN;
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (now = begun; 2 * asking <= processors && (now.tv_sec - begun.tv_sec) * 1000000000L + (now.tv_nsec - begun.tv_nsec) < ATTENTION;
	     clock_gettime(CLOCK_MONOTONIC, &now)) {
		n = recv(k->fd, k->answer + k->used, k->size - k->used, MSG_DONTWAIT);
		if (n >= 0 || errno != EAGAIN)
			return n;
		sched_yield();
		errno = EAGAIN;
	}
	return n;
}

/* Who runs where we wait need not wake another processor. */
static void put_processor(struct writer *out, const struct connection *k) {
	uint16_t flags;
	int processor = k->processors ? sched_getcpu() : -1;
	memcpy(&flags, out->bytes + 6, sizeof flags);
	flags = (uint16_t)((flags & 1) | (processor >= 0 && processor <= MAX_PROCESSOR ? (processor + 1) << 1 : 0));
	memcpy(out->bytes + 6, &flags, sizeof flags);
}

enum outcome { ANSWERED, NOT_SENT, ENDED, MALFORMED, NO_MEMORY };

static enum outcome round_trip(struct connection *k, struct call *c, CK_RV *rv) {
	wipe_answer(k);
	put_processor(&c->out, k);
	if (!is_open(k) || !send_all(k->fd, c->out.bytes, c->out.used))
		return NOT_SENT;
	for (;;) {
		size_t total;
		CK_RV seen = read_answer(k->answer, k->used, &total, rv, &c->generation, &c->in);
		if (seen != CKR_BUFFER_TOO_SMALL)
			return seen == CKR_OK ? ANSWERED : MALFORMED;
		if (!make_room(k, total))
			return NO_MEMORY;
		asking++;
		ssize_t n = spin(k);
		if (n < 0 && errno == EAGAIN)
			n = recv(k->fd, k->answer + k->used, k->size - k->used, 0);
		asking--;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ENDED;
		k->used += (size_t)n;
	}
}

/* The pool */

static struct connection *new_connection(void) {
	struct connection *k = malloc(sizeof *k);
	if (k == NULL)
		return NULL;
	*k = (struct connection){.fd = -1, .answer = k->first, .size = sizeof k->first};
	pthread_mutex_lock(&lock);
	k->next = agent.all;
	agent.all = k;
	pthread_mutex_unlock(&lock);
	return k;
}

static void drop(struct connection *k) {
	hang_up(k);
	pthread_mutex_lock(&lock);
	struct connection *_Atomic *at = &agent.all;
	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	pthread_mutex_unlock(&lock);
	wipe_answer(k);
	free(k);
}

static struct connection *take_idle(void) {
	pthread_mutex_lock(&lock);
	struct connection *k = agent.idle;
	if (k != NULL) {
		agent.idle = k->idle;
		agent.idle_count--;
	}
	pthread_mutex_unlock(&lock);
	return k;
}

static void give_back(struct connection *k) {
	wipe_answer(k);
	pthread_mutex_lock(&lock);
	bool keep = k->epoch == agent.epoch && agent.idle_count < MAX_IDLE;
	if (keep) {
		k->idle = agent.idle;
		agent.idle = k;
		agent.idle_count++;
	}
	pthread_mutex_unlock(&lock);
	if (!keep)
		drop(k);
}

CK_RV call_on(struct call *c, struct connection *k) {
	CK_RV rv;
	if (c->out.rv != CKR_OK)
		return c->out.rv;
	unsigned size = (unsigned)(c->out.used - 8);
	memcpy(c->out.bytes, &size, sizeof size);
	enum outcome outcome = round_trip(k, c, &rv);
	return outcome == ANSWERED ? rv : outcome == MALFORMED ? CKR_DEVICE_ERROR : CKR_DEVICE_REMOVED;
}

/* The client that the agent says we are. */
struct welcome {
	CK_ULONG instance, client;
	CK_BYTE secret[MAX_SECRET];
	size_t secret_len;
};

static CK_RV hello(struct connection *k, CK_ULONG client, struct welcome *w) {
	struct call c;
	call_begin(&c, HELLO, 0, 0, 0);
	put_number(&c.out, VERSION);
	put_number(&c.out, client);
	put_string(&c.out, agent.secret, client == 0 ? 0 : agent.secret_len);
	CK_RV rv = call_on(&c, k);
	if (rv == CKR_OK) {
		w->instance = get_number(&c.in);
		w->client = get_number(&c.in);
		const CK_BYTE *secret = get_string(&c.in, &w->secret_len);
		k->processors = c.in.left > 0 && get_number(&c.in) >= TAKES_PROCESSORS;
		if (c.in.failed || w->client == 0 || w->secret_len > sizeof w->secret)
			rv = CKR_DEVICE_ERROR;
		else
			memcpy(w->secret, secret, w->secret_len);
	}
	call_end(&c);
	return rv;
}

/* All that an earlier client had in the agent is gone, and its connections with it. */
static void become(const struct welcome *w) {
	pthread_mutex_lock(&lock);
	agent.instance = w->instance;
	agent.client = w->client;
	memcpy(agent.secret, w->secret, w->secret_len);
	agent.secret_len = w->secret_len;
	agent.epoch++;
	struct connection *stale = agent.idle;
	agent.idle = NULL;
	agent.idle_count = 0;
	pthread_mutex_unlock(&lock);
	while (stale != NULL) {
		struct connection *k = stale;
		stale = k->idle;
		drop(k);
	}
	state_outdate();
}

/* A client that the agent does not know, since it is another agent or has let it go, becomes a new one. */
static CK_RV introduce(struct connection *k) {
	struct welcome w;
	CK_RV rv = hello(k, agent.client, &w);
	if (rv == CKR_SESSION_HANDLE_INVALID && agent.client != 0)
		rv = hello(k, 0, &w);
	if (rv == CKR_OK && (w.instance != agent.instance || w.client != agent.client)) {
		if (agent.client != 0)
			rv = state_resume(k);
		if (rv == CKR_OK)
			become(&w);
	}
	k->epoch = agent.epoch;
	explicit_bzero(&w, sizeof w);
	return rv;
}

/* CKR_DEVICE_REMOVED if the agent ended meanwhile: then another may be there already. */
static CK_RV open_connection(struct connection **made) {
	struct connection *k = new_connection();
	if (k == NULL)
		return CKR_HOST_MEMORY;
	pthread_mutex_lock(&opening);
	CK_RV rv = reach(k) ? introduce(k) : CKR_DEVICE_ERROR;
	pthread_mutex_unlock(&opening);
	if (rv == CKR_OK)
		*made = k;
	else
		drop(k);
	return rv == CKR_OK || rv == CKR_DEVICE_REMOVED ? rv : CKR_DEVICE_ERROR;
}

/* Calls */

void call_begin(struct call *c, unsigned call, unsigned flags, CK_SLOT_ID slot, CK_SESSION_HANDLE session) {
	uint16_t head[4] = {0, 0, (uint16_t)call, (uint16_t)flags};
	c->out = (struct writer){.bytes = c->first, .size = sizeof c->first, .limit = MAX_REQUEST};
	c->in = (struct reader){.failed = true};
	c->generation = c->epoch = 0;
	c->drops = state_drops();
	c->over = NULL;
	c->connection = NULL;
	put_bytes(&c->out, head, sizeof head);
	put_number(&c->out, slot);
	put_number(&c->out, session);
}

CK_RV call_send(struct call *c, bool changes_nothing) {
	if (c->out.rv != CKR_OK)
		return c->out.rv;
	unsigned size = (unsigned)(c->out.used - 8);
	memcpy(c->out.bytes, &size, sizeof size);
	for (int attempts = 0; attempts < ATTEMPTS;) {
		CK_RV rv = CKR_OK;
		struct connection *k = take_idle();
		if (k == NULL) {
			attempts++;
			rv = open_connection(&k);
		}
		if (!initialised()) {
			if (rv == CKR_OK)
				give_back(k);
			return CKR_CRYPTOKI_NOT_INITIALIZED;
		}
		if (rv == CKR_DEVICE_REMOVED)
			continue;
		if (rv != CKR_OK)
			return rv;
		if ((c->over != NULL && *c->over) || (c->epoch != 0 && c->epoch != k->epoch)) {
			give_back(k);
			return CKR_SESSION_HANDLE_INVALID;
		}
		enum outcome outcome = round_trip(k, c, &rv);
		if (outcome == ANSWERED) {
			c->connection = k;
			state_seen(c->generation);
			return rv;
		}
		drop(k);
		if (!initialised())
			return CKR_CRYPTOKI_NOT_INITIALIZED;
		if (outcome == NO_MEMORY)
			return CKR_HOST_MEMORY;
		if (outcome == MALFORMED)
			return CKR_DEVICE_ERROR;
		if (outcome == ENDED && !changes_nothing)
			break;
	}
	return CKR_DEVICE_REMOVED;
}

void call_end(struct call *c) {
	if (c->connection != NULL)
		give_back(c->connection);
	c->connection = NULL;
	wipe_writer(&c->out);
}

CK_ULONG agent_epoch(void) {
	pthread_mutex_lock(&lock);
	CK_ULONG epoch = agent.epoch;
	pthread_mutex_unlock(&lock);
	return epoch;
}

/* The end */

/* Ends the calls that wait for the agent; C_Finalize has said before that the module is not initialised. */
void agent_interrupt(void) {
	pthread_mutex_lock(&lock);
	for (struct connection *k = agent.all; k != NULL; k = k->next)
		if (is_open(k))
			shutdown(k->fd, SHUT_RDWR);
	pthread_mutex_unlock(&lock);
}

/* A child closes what it has inherited, and shuts nothing down: the connections are its parent's. */
void agent_forget(bool child) {
	if (child) {
		lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
		opening = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
		asking = 0;
	}
	for (struct connection *k; (k = agent.all) != NULL;) {
		agent.all = k->next;
		if (is_open(k))
			close(k->fd);
		if (!child) {
			wipe_answer(k);
			free(k);
		}
	}
	agent.idle = NULL;
	agent.idle_count = 0;
	agent.instance = agent.client = 0;
	agent.known = false;
	explicit_bzero(agent.secret, sizeof agent.secret);
	agent.secret_len = 0;
}
