#define _GNU_SOURCE
#include "state.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * A record is taken for true for so many seconds, and less than one more. An answer says that something has changed only where the
 * agent has looked, and it does not look for what is answered here: another process may have changed an object.
 */
enum { TRUSTED = 1 };

enum { BUCKETS = 256, MAX_CACHED = 32 << 20 };

/* The process that the module is initialised in; its negative while that begins or ends; 0. */
static atomic_int owner;
static atomic_uint calls;

static struct slot *_Atomic slots;
static struct session *sessions[BUCKETS];
static CK_SESSION_HANDLE last_session; /* numbers are never used again, not even after C_Finalize */
static struct directory *directory;
static bool baseline; /* the first directory says what C_WaitForSlotEvent begins from */
static struct record *records[BUCKETS];
static size_t cached;
static _Atomic CK_ULONG generation, drops;

/* The life of the module */

bool initialised(void) {
	return atomic_load(&owner) == getpid();
}

bool enter(void) {
	if (!initialised())
		return false;
	atomic_fetch_add(&calls, 1);
	if (initialised())
		return true;
	leave();
	return false;
}

void leave(void) {
	atomic_fetch_sub(&calls, 1);
}

static void forget(bool child);

CK_RV module_begin(const char *path) {
	int me = getpid(), seen = atomic_load(&owner);
	while (seen != me && (seen == -me || !atomic_compare_exchange_strong(&owner, &seen, -me))) {
		sched_yield();
		seen = atomic_load(&owner);
	}
	if (seen == me)
		return CKR_CRYPTOKI_ALREADY_INITIALIZED;
	if (seen != 0)
		forget(true);
	/* A child goes where its parent went, whatever has become of the environment. */
	CK_RV rv = path != NULL || seen <= 0 ? agent_locate(path) : CKR_OK;
	atomic_store(&owner, rv == CKR_OK ? me : 0);
	return rv;
}

CK_RV module_end(void) {
	int me = getpid(), seen = me;
	if (!atomic_compare_exchange_strong(&owner, &seen, -me))
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	agent_interrupt();
	while (atomic_load(&calls) > 0)
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	forget(false);
	atomic_store(&owner, 0);
	return CKR_OK;
}

static void free_session(struct session *s) {
	for (int kind = 0; kind < KINDS; kind++)
		operation_clear(&s->operations[kind]);
	free(s->found);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Drops a reference. Some records have the value of a secret key. The lock is held by the caller. */
static void unref(struct record *record) {
	if (--record->references == 0)
		wipe_free(record, record->size);
}

static void drop_records(void) {
	drops++;
	for (size_t i = 0; i < BUCKETS; i++)
		while (records[i] != NULL) {
			struct record *record = records[i];
			records[i] = record->next;
			unref(record);
		}
	cached = 0;
}

/*
 * The lists are let go of before their members are freed, for a child that is forked meanwhile. calls is only set for a child, in
 * which none goes on: here a thread may be leaving one that it was refused.
 */
static void forget(bool child) {
	agent_forget(child);
	for (struct slot *slot; (slot = slots) != NULL;) {
		explicit_bzero(slot->ticket, sizeof slot->ticket);
		if (!child)
			slot_end_sessions(slot);
		slots = slot->next;
		if (!child) {
			pthread_mutex_destroy(&slot->logins);
			free(slot);
		}
	}
	if (child) {
		atomic_store(&calls, 0);
	} else {
		drop_records();
		free(directory);
	}
	memset(sessions, 0, sizeof sessions);
	directory = NULL;
	baseline = false;
	memset(records, 0, sizeof records);
	cached = 0;
	atomic_store(&generation, 0);
}

/* Slots */

struct slot *slot_state(CK_SLOT_ID id) {
	struct slot *slot = slots;
	while (slot != NULL && slot->id != id)
		slot = slot->next;
	if (slot == NULL && (slot = calloc(1, sizeof *slot)) != NULL) {
		pthread_mutex_init(&slot->logins, NULL);
		slot->id = id;
		slot->user = NOBODY;
		slot->next = slots;
		slots = slot;
	}
	return slot;
}

static void drop_records_of(CK_SLOT_ID slot) {
	drops++;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct record **at = &records[i]; *at != NULL;) {
			struct record *record = *at;
			if (record->slot != slot) {
				at = &record->next;
				continue;
			}
			*at = record->next;
			cached -= record->size;
			unref(record);
		}
}

void slot_drop_ticket(struct slot *slot) {
	explicit_bzero(slot->ticket, sizeof slot->ticket);
	slot->ticket_len = 0;
}

void slot_logout(struct slot *slot) {
	slot->user = NOBODY;
	slot_drop_ticket(slot);
	drop_records_of(slot->id);
}

/* The lock is held by the caller. */
static void unlink_session(struct session *s) {
	struct session **at = &sessions[s->handle % BUCKETS];
	if (atomic_exchange(&s->over, true))
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->slot->sessions--;
	s->slot->writable -= s->writable;
	if (--s->references == 0)
		free_session(s);
}

void slot_end_sessions(struct slot *slot) {
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct session *s = sessions[i], *next; s != NULL; s = next) {
			next = s->next;
			if (s->slot == slot)
				unlink_session(s);
		}
	slot_logout(slot);
}

/* The directory */

const struct directory *directory_here(void) {
	return directory;
}

const struct row *directory_row(CK_SLOT_ID id) {
	for (CK_ULONG i = 0; directory != NULL && i < directory->count; i++)
		if (directory->rows[i].id == id)
			return &directory->rows[i];
	return NULL;
}

/* The lock is held by the caller. */
static CK_RV install(struct directory *d) {
	free(directory);
	directory = d;
	for (CK_ULONG i = 0; !baseline && i < d->count; i++) {
		struct slot *slot = slot_state(d->rows[i].id);
		if (slot == NULL)
			return CKR_HOST_MEMORY;
		slot->told = (d->rows[i].slot.flags & CKF_TOKEN_PRESENT) != 0;
	}
	baseline = true;
	return CKR_OK;
}

CK_RV directory_fetch(bool anew) {
	struct call c;
	struct directory *d = NULL;
	pthread_mutex_lock(&lock);
	bool here = directory != NULL;
	CK_ULONG known = here ? directory->generation : 0;
	pthread_mutex_unlock(&lock);
	if (here && !anew)
		return CKR_OK;
	call_begin(&c, SLOTS, 0, 0, 0);
	put_number(&c.out, known);
	CK_RV rv = call_send(&c, true);
	if (rv == CKR_OK && (c.in.left > 0 || !here))
		rv = read_directory(&c.in, &d);
	call_end(&c);
	if (d != NULL) {
		pthread_mutex_lock(&lock);
		rv = install(d);
		pthread_mutex_unlock(&lock);
	}
	return rv;
}

static CK_RV find_mechanism(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, struct mechanism *found) {
	const struct row *row = directory_row(slot);
	if (row == NULL)
		return CKR_SLOT_ID_INVALID;
	if ((row->slot.flags & CKF_TOKEN_PRESENT) == 0)
		return CKR_TOKEN_NOT_PRESENT;
	for (CK_ULONG i = 0; i < row->count; i++)
		if (row->mechanisms[i].type == type) {
			*found = row->mechanisms[i];
			return CKR_OK;
		}
	return CKR_MECHANISM_INVALID;
}

CK_RV directory_mechanism(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, struct mechanism *found) {
	CK_RV rv = directory_fetch(false);
	if (rv != CKR_OK)
		return rv;
	pthread_mutex_lock(&lock);
	rv = find_mechanism(slot, type, found);
	pthread_mutex_unlock(&lock);
	return rv;
}

/* Sessions */

CK_RV session_open(struct slot *slot, bool writable, CK_SESSION_HANDLE *handle) {
	struct session *s = calloc(1, sizeof *s);
	if (s == NULL)
		return CKR_HOST_MEMORY;
	if (pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		return CKR_HOST_MEMORY;
	}
	s->slot = slot;
	s->writable = writable;
	s->references = 1;
	pthread_mutex_lock(&lock);
	CK_RV rv = !writable && slot->user == CKU_SO ? CKR_SESSION_READ_WRITE_SO_EXISTS : CKR_OK;
	if (rv == CKR_OK) {
		*handle = s->handle = ++last_session;
		s->next = sessions[s->handle % BUCKETS];
		sessions[s->handle % BUCKETS] = s;
		slot->sessions++;
		slot->writable += writable;
	}
	pthread_mutex_unlock(&lock);
	if (rv != CKR_OK)
		free_session(s);
	return rv;
}

CK_RV session_enter(CK_SESSION_HANDLE handle, struct session **found) {
	if (!enter())
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	pthread_mutex_lock(&lock);
	struct session *s = sessions[handle % BUCKETS];
	while (s != NULL && s->handle != handle)
		s = s->next;
	if (s != NULL)
		s->references++;
	pthread_mutex_unlock(&lock);
	if (s == NULL) {
		leave();
		return CKR_SESSION_HANDLE_INVALID;
	}
	pthread_mutex_lock(&s->lock);
	*found = s;
	return s->over ? session_leave(s, CKR_SESSION_HANDLE_INVALID) : CKR_OK;
}

CK_RV session_leave(struct session *s, CK_RV rv) {
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_lock(&lock);
	if (--s->references == 0)
		free_session(s);
	pthread_mutex_unlock(&lock);
	leave();
	return rv;
}

void session_end(struct session *s) {
	pthread_mutex_lock(&lock);
	unlink_session(s);
	pthread_mutex_unlock(&lock);
}

CK_USER_TYPE session_user(struct session *s) {
	pthread_mutex_lock(&lock);
	CK_USER_TYPE user = s->slot->user;
	pthread_mutex_unlock(&lock);
	return user;
}

/* Whether the agent has something of the session that would be lost with it. */
static bool has_state(const struct session *s) {
	bool state = s->objects;
	for (int kind = 0; kind < KINDS; kind++)
		state |= s->operations[kind].begun;
	return state;
}

void session_call(struct call *c, struct session *s, unsigned call) {
	call_begin(c, call, s->writable, s->slot->id, s->handle);
	c->over = &s->over;
	c->epoch = has_state(s) ? s->epoch : 0;
}

CK_RV session_send(struct call *c, struct session *s, bool changes_nothing) {
	CK_RV rv = call_send(c, changes_nothing);
	if (c->connection != NULL)
		s->epoch = c->connection->epoch;
	if (rv == CKR_SESSION_HANDLE_INVALID)
		session_end(s);
	if (rv == CKR_DEVICE_REMOVED && c->connection != NULL) {
		pthread_mutex_lock(&lock);
		slot_end_sessions(s->slot);
		pthread_mutex_unlock(&lock);
	}
	return rv;
}

/* Object records */

void object_release(struct record *record) {
	pthread_mutex_lock(&lock);
	unref(record);
	pthread_mutex_unlock(&lock);
}

static struct record **bucket(CK_SLOT_ID slot, CK_OBJECT_HANDLE handle) {
	return &records[(slot ^ handle ^ handle >> 32) % BUCKETS];
}

static time_t second(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

/* The lock is held by the caller. */
static struct record *find_record(CK_SLOT_ID slot, CK_OBJECT_HANDLE handle) {
	struct record **at = bucket(slot, handle), *record;
	while ((record = *at) != NULL && (record->slot != slot || record->handle != handle))
		at = &record->next;
	if (record == NULL || second() - record->kept <= TRUSTED)
		return record;
	*at = record->next;
	cached -= record->size;
	unref(record);
	return NULL;
}

CK_ULONG state_drops(void) {
	return drops;
}

void object_keep(struct record *record, const struct call *c) {
	pthread_mutex_lock(&lock);
	if (c->drops == drops && find_record(record->slot, record->handle) == NULL) {
		struct record **at = bucket(record->slot, record->handle);
		if (cached + record->size > MAX_CACHED)
			drop_records();
		cached += record->size;
		record->references++;
		record->kept = second();
		record->next = *at;
		*at = record;
	}
	pthread_mutex_unlock(&lock);
}

void objects_drop(CK_SLOT_ID slot) {
	pthread_mutex_lock(&lock);
	drop_records_of(slot);
	pthread_mutex_unlock(&lock);
}

CK_RV object_get(struct session *s, CK_OBJECT_HANDLE handle, struct record **found) {
	struct call c;
	if (handle == CK_INVALID_HANDLE)
		return CKR_OBJECT_HANDLE_INVALID;
	pthread_mutex_lock(&lock);
	*found = find_record(s->slot->id, handle);
	if (*found != NULL)
		(*found)->references++;
	pthread_mutex_unlock(&lock);
	if (*found != NULL)
		return CKR_OK;
	session_call(&c, s, GET);
	put_number(&c.out, handle);
	CK_RV rv = session_send(&c, s, true);
	if (rv == CKR_OK)
		rv = read_record(&c.in, s->slot->id, found);
	if (rv == CKR_OK) {
		(*found)->handle = handle; /* an alias that an earlier agent made has become the key itself */
		object_keep(*found, &c);
	}
	call_end(&c);
	return rv;
}

/* What connections tell */

void state_seen(CK_ULONG seen) {
	if (atomic_load(&generation) == seen)
		return;
	pthread_mutex_lock(&lock);
	drop_records();
	atomic_store(&generation, seen);
	pthread_mutex_unlock(&lock);
}

void state_outdate(void) {
	pthread_mutex_lock(&lock);
	drop_records();
	atomic_store(&generation, 0);
	if (directory != NULL)
		directory->generation = 0;
	pthread_mutex_unlock(&lock);
}

/* Logs in again with a ticket, and ends the sessions of the slot if that is refused: CKR_DEVICE_REMOVED only if no answer came. */
static CK_RV resume(struct connection *k, struct slot *slot) {
	struct call c;
	call_begin(&c, RESUME, 0, slot->id, 0);
	pthread_mutex_lock(&lock);
	bool nobody = slot->user == NOBODY, ticket = slot->ticket_len > 0;
	put_string(&c.out, slot->ticket, slot->ticket_len);
	pthread_mutex_unlock(&lock);
	CK_RV rv = CKR_OK;
	bool resumed = nobody;
	if (!nobody && ticket) {
		resumed = call_on(&c, k) == CKR_OK;
		rv = c.in.failed ? CKR_DEVICE_REMOVED : CKR_OK;
	}
	call_end(&c);
	if (rv == CKR_OK && !resumed) {
		pthread_mutex_lock(&lock);
		slot_end_sessions(slot);
		pthread_mutex_unlock(&lock);
	}
	return rv;
}

CK_RV state_resume(struct connection *k) {
	CK_RV rv = CKR_OK;
	for (struct slot *slot = slots; slot != NULL && rv == CKR_OK; slot = slot->next)
		rv = resume(k, slot);
	return rv;
}
