/*
 * The functions of PKCS#11. What is not here is in stubs.c; what becomes of a call on its way to the agent, in connection.c.
 *
 * Rules of the whole module: a pointer of the application is looked at before it is used, a length of the agent before it is
 * believed; while the agent is asked, no lock is held but a session's own, and that of its slot's logins if it is about one; what may
 * be secret is wiped. A session's lock comes before that of logins, that before the one of opening a connection, and the lock last.
 */
#define _GNU_SOURCE
#pragma GCC visibility push(default)
#include "cryptoki.h"
#pragma GCC visibility pop

#include <stdlib.h>
#include <string.h>

#include "operation.h"

/* Interfaces */

static const CK_FUNCTION_LIST list_2_40 = {.version = {2, 40}, CK_FUNCTIONS_2_40(CK_FILL)};
static const CK_FUNCTION_LIST_3_0 list_3_0 = {.version = {3, 0}, CK_FUNCTIONS_2_40(CK_FILL) CK_FUNCTIONS_3_0(CK_FILL)};
static const CK_FUNCTION_LIST_3_0 list_3_1 = {.version = {3, 1}, CK_FUNCTIONS_2_40(CK_FILL) CK_FUNCTIONS_3_0(CK_FILL)};
static const CK_FUNCTION_LIST_3_2 list_3_2 = {
	.version = {3, 2}, CK_FUNCTIONS_2_40(CK_FILL) CK_FUNCTIONS_3_0(CK_FILL) CK_FUNCTIONS_3_2(CK_FILL)};

/* Types of the standard have no const here, but there is nothing to write. The first is for those who name no version. */
static const CK_UTF8CHAR interface_name[] = "PKCS 11";
static const CK_INTERFACE interfaces[] = {
	{(CK_UTF8CHAR *)interface_name, (void *)&list_3_2, CKF_INTERFACE_FORK_SAFE},
	{(CK_UTF8CHAR *)interface_name, (void *)&list_3_1, CKF_INTERFACE_FORK_SAFE},
	{(CK_UTF8CHAR *)interface_name, (void *)&list_3_0, CKF_INTERFACE_FORK_SAFE},
	{(CK_UTF8CHAR *)interface_name, (void *)&list_2_40, CKF_INTERFACE_FORK_SAFE},
};
enum { INTERFACES = sizeof interfaces / sizeof interfaces[0] };

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **functions) {
	if (functions == NULL)
		return CKR_ARGUMENTS_BAD;
	*functions = (CK_FUNCTION_LIST *)&list_2_40;
	return CKR_OK;
}

CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count) {
	if (count == NULL)
		return CKR_ARGUMENTS_BAD;
	CK_RV rv = list != NULL && *count < INTERFACES ? CKR_BUFFER_TOO_SMALL : CKR_OK;
	*count = INTERFACES;
	if (list != NULL && rv == CKR_OK)
		memcpy(list, interfaces, sizeof interfaces);
	return rv;
}

CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags) {
	if (interface == NULL)
		return CKR_ARGUMENTS_BAD;
	if (name != NULL && strcmp((const char *)name, (const char *)interface_name) != 0)
		return CKR_ARGUMENTS_BAD;
	for (size_t i = 0; i < INTERFACES; i++) {
		const CK_VERSION *v = interfaces[i].pFunctionList; /* each list begins with it */
		if ((version != NULL && (version->major != v->major || version->minor != v->minor)) || (flags & ~interfaces[i].flags) != 0)
			continue;
		*interface = (CK_INTERFACE *)&interfaces[i];
		return CKR_OK;
	}
	return CKR_ARGUMENTS_BAD;
}

CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE session) {
	(void)session;
	return CKR_FUNCTION_NOT_PARALLEL;
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE session) {
	(void)session;
	return CKR_FUNCTION_NOT_PARALLEL;
}

/* The module */

CK_RV C_Initialize(void *arguments) {
	const CK_C_INITIALIZE_ARGS *args = arguments;
	const char *path = NULL, option[] = "agent=";
	if (args != NULL) {
		int mutexes = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) + (args->LockMutex != NULL) + (args->UnlockMutex != NULL);
		if (mutexes != 0 && mutexes != 4)
			return CKR_ARGUMENTS_BAD;
		path = args->pReserved;
	}
	/* Programs that try what a module bears give a number there that is no pointer. */
	if (path != NULL && ((CK_ULONG)path < 4096 || strncmp(path, option, sizeof option - 1) != 0))
		return CKR_ARGUMENTS_BAD;
	return module_begin(path == NULL ? NULL : path + sizeof option - 1);
}

CK_RV C_Finalize(void *reserved) {
	return reserved != NULL ? CKR_ARGUMENTS_BAD : module_end();
}

/* Text of PKCS#11 has blanks at its end, and no zero. */
static void set_text(CK_UTF8CHAR *to, size_t n, const char *text) {
	memset(to, ' ', n);
	memcpy(to, text, strlen(text));
}

CK_RV C_GetInfo(CK_INFO *info) {
	if (!initialised())
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	if (info == NULL)
		return CKR_ARGUMENTS_BAD;
	*info = (CK_INFO){.cryptokiVersion = {3, 2}, .libraryVersion = {1, 0}};
	set_text(info->manufacturerID, sizeof info->manufacturerID, "Conclave");
	set_text(info->libraryDescription, sizeof info->libraryDescription, "Client of conclave agent");
	return CKR_OK;
}

/* Slots */

/* Looks a slot up, and leaves with the lock held if it is there. */
static CK_RV slot_enter(CK_SLOT_ID id, bool anew, const struct row **row) {
	if (!enter())
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	CK_RV rv = directory_fetch(anew);
	pthread_mutex_lock(&lock);
	*row = directory_row(id);
	if (rv == CKR_OK && *row != NULL)
		return CKR_OK;
	pthread_mutex_unlock(&lock);
	leave();
	return rv == CKR_OK ? CKR_SLOT_ID_INVALID : rv;
}

static CK_RV slot_leave(CK_RV rv) {
	pthread_mutex_unlock(&lock);
	leave();
	return rv;
}

static bool has_token(const struct row *row) {
	return (row->slot.flags & CKF_TOKEN_PRESENT) != 0;
}

/* An array of numbers, written as far as there is room for it, and counted. */
struct list {
	CK_ULONG *to, count;
};

static void list_add(struct list *l, const CK_ULONG *room, CK_ULONG n) {
	if (l->to != NULL && l->count < *room)
		l->to[l->count] = n;
	l->count++;
}

static CK_RV list_end(const struct list *l, CK_ULONG *room) {
	CK_RV rv = l->to != NULL && l->count > *room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
	*room = l->count;
	return rv;
}

/* Only who asks for the number of slots gets the slots of now: the second call of two has to find as many as the first. */
CK_RV C_GetSlotList(CK_BBOOL tokenPresent, CK_SLOT_ID *ids, CK_ULONG *count) {
	if (!enter())
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	CK_RV rv = count == NULL ? CKR_ARGUMENTS_BAD : directory_fetch(ids == NULL);
	if (rv == CKR_OK) {
		struct list list = {.to = ids};
		pthread_mutex_lock(&lock);
		const struct directory *d = directory_here();
		for (CK_ULONG i = 0; i < d->count; i++)
			if (!tokenPresent || has_token(&d->rows[i]))
				list_add(&list, count, d->rows[i].id);
		pthread_mutex_unlock(&lock);
		rv = list_end(&list, count);
	}
	leave();
	return rv;
}

CK_RV C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info) {
	const struct row *row;
	CK_RV rv = slot_enter(slot, true, &row);
	if (rv != CKR_OK)
		return rv;
	if (info != NULL)
		*info = row->slot;
	return slot_leave(info == NULL ? CKR_ARGUMENTS_BAD : CKR_OK);
}

CK_RV C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO *info) {
	const struct row *row;
	CK_RV rv = slot_enter(id, true, &row);
	if (rv != CKR_OK)
		return rv;
	const struct slot *slot = slot_state(id);
	if (slot == NULL || info == NULL)
		return slot_leave(slot == NULL ? CKR_HOST_MEMORY : CKR_ARGUMENTS_BAD);
	if (!has_token(row))
		return slot_leave(CKR_TOKEN_NOT_PRESENT);
	*info = row->token;
	info->ulSessionCount = slot->sessions;
	info->ulRwSessionCount = slot->writable;
	return slot_leave(CKR_OK);
}

CK_RV C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *mechanisms, CK_ULONG *count) {
	const struct row *row;
	CK_RV rv = slot_enter(slot, false, &row);
	if (rv != CKR_OK)
		return rv;
	if (count == NULL || !has_token(row))
		return slot_leave(count == NULL ? CKR_ARGUMENTS_BAD : CKR_TOKEN_NOT_PRESENT);
	struct list list = {.to = mechanisms};
	for (CK_ULONG i = 0; i < row->count; i++)
		list_add(&list, count, row->mechanisms[i].type);
	return slot_leave(list_end(&list, count));
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info) {
	struct mechanism m;
	if (!enter())
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	CK_RV rv = info == NULL ? CKR_ARGUMENTS_BAD : directory_mechanism(slot, type, &m);
	if (rv == CKR_OK)
		*info = m.info;
	leave();
	return rv;
}

CK_RV C_InitToken(CK_SLOT_ID id, CK_UTF8CHAR *pin, CK_ULONG pinLen, CK_UTF8CHAR *label) {
	const struct row *row;
	CK_RV rv = slot_enter(id, true, &row);
	if (rv != CKR_OK)
		return rv;
	const struct slot *slot = slot_state(id);
	rv = slot == NULL ? CKR_HOST_MEMORY : label == NULL ? CKR_ARGUMENTS_BAD : slot->sessions > 0 ? CKR_SESSION_EXISTS : CKR_OK;
	if (rv == CKR_OK && !has_token(row))
		rv = CKR_TOKEN_NOT_PRESENT;
	pthread_mutex_unlock(&lock);
	if (rv == CKR_OK) {
		struct call c;
		call_begin(&c, INITTOKEN, 1, id, 0);
		put_string(&c.out, pin, pinLen);
		put_string(&c.out, label, 32);
		rv = call_send(&c, false);
		call_end(&c);
		objects_drop(id);
	}
	leave();
	return rv;
}

/* The slot in which the presence of a token is not as it was told last, if there is one. */
static bool slot_event(CK_SLOT_ID *id) {
	bool found = false;
	pthread_mutex_lock(&lock);
	const struct directory *d = directory_here();
	for (CK_ULONG i = 0; d != NULL && i < d->count && !found; i++) {
		struct slot *slot = slot_state(d->rows[i].id);
		found = slot != NULL && slot->told != has_token(&d->rows[i]);
		if (found) {
			slot->told = !slot->told;
			*id = slot->id;
		}
	}
	pthread_mutex_unlock(&lock);
	return found;
}

/* Waits for something to change, about a second. A token that was taken out and put in again is a change, too. */
static CK_RV wait_for_change(CK_SLOT_ID *changed) {
	struct call c;
	pthread_mutex_lock(&lock);
	const struct directory *d = directory_here();
	CK_ULONG known = d == NULL ? 0 : d->generation;
	pthread_mutex_unlock(&lock);
	call_begin(&c, WAIT, 0, 0, 0);
	put_number(&c.out, known);
	CK_RV rv = call_send(&c, true);
	*changed = get_number(&c.in);
	if (rv == CKR_OK && c.in.failed)
		rv = CKR_DEVICE_ERROR;
	call_end(&c);
	return rv;
}

CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved) {
	if (!enter())
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	CK_RV rv = slot == NULL || reserved != NULL ? CKR_ARGUMENTS_BAD : directory_fetch(true);
	CK_SLOT_ID changed = NOBODY;
	while (rv == CKR_OK && !slot_event(slot)) {
		if (changed != NOBODY) {
			*slot = changed;
			break;
		}
		rv = (flags & CKF_DONT_BLOCK) != 0 ? CKR_NO_EVENT : wait_for_change(&changed);
		if (rv == CKR_OK)
			rv = directory_fetch(true);
	}
	leave();
	return rv;
}

/* Sessions */

/* How a function with a session begins, and how it is left early. */
#define ENTER(s, handle) \
	struct session *s; \
	CK_RV rv = session_enter(handle, &s); \
	if (rv != CKR_OK) \
		return rv
#define REFUSE(condition, answer) \
	if (condition) \
		return session_leave(s, answer)

CK_RV C_OpenSession(CK_SLOT_ID id, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session) {
	const struct row *row;
	(void)application;
	(void)notify;
	CK_RV rv = slot_enter(id, false, &row);
	if (rv == CKR_OK && !has_token(row))
		rv = slot_leave(CKR_SLOT_ID_INVALID);
	if (rv == CKR_SLOT_ID_INVALID) /* it may have come since */
		rv = slot_enter(id, true, &row);
	if (rv != CKR_OK)
		return rv;
	struct slot *slot = slot_state(id);
	if (slot == NULL)
		rv = CKR_HOST_MEMORY;
	else if (session == NULL)
		rv = CKR_ARGUMENTS_BAD;
	else if ((flags & CKF_SERIAL_SESSION) == 0)
		rv = CKR_SESSION_PARALLEL_NOT_SUPPORTED;
	else if ((flags & CKF_ASYNC_SESSION) != 0)
		rv = CKR_SESSION_ASYNC_NOT_SUPPORTED;
	else if (!has_token(row))
		rv = CKR_TOKEN_NOT_PRESENT;
	pthread_mutex_unlock(&lock);
	if (rv == CKR_OK)
		rv = session_open(slot, (flags & CKF_RW_SESSION) != 0, session);
	leave();
	return rv;
}

/* The agent is told of the end of what it knows: that has succeeded also where it cannot be told. */
static void tell_end(unsigned call, bool writable, CK_SLOT_ID slot, CK_SESSION_HANDLE session) {
	struct call c;
	call_begin(&c, call, writable, slot, session);
	call_send(&c, true);
	call_end(&c);
}

/* With the last session of a slot goes its login, too. */
CK_RV C_CloseSession(CK_SESSION_HANDLE session) {
	ENTER(s, session);
	struct slot *slot = s->slot;
	bool known = s->epoch != 0 && s->epoch == agent_epoch();
	pthread_mutex_lock(&slot->logins);
	session_end(s);
	pthread_mutex_lock(&lock);
	bool last = slot->sessions == 0 && slot->user != NOBODY;
	if (last)
		slot_logout(slot);
	pthread_mutex_unlock(&lock);
	if (last)
		tell_end(LOGOUT, s->writable, slot->id, session);
	if (known || last)
		tell_end(CLOSE, s->writable, slot->id, session);
	pthread_mutex_unlock(&slot->logins);
	if (s->objects)
		objects_drop(slot->id);
	return session_leave(s, CKR_OK);
}

CK_RV C_CloseAllSessions(CK_SLOT_ID id) {
	const struct row *row;
	CK_RV rv = slot_enter(id, false, &row);
	if (rv != CKR_OK)
		return rv;
	struct slot *slot = slot_state(id);
	if (slot == NULL || slot->sessions == 0)
		return slot_leave(CKR_OK);
	pthread_mutex_unlock(&lock);
	pthread_mutex_lock(&slot->logins);
	pthread_mutex_lock(&lock);
	slot_end_sessions(slot);
	pthread_mutex_unlock(&lock);
	tell_end(CLOSEALL, false, id, 0);
	pthread_mutex_unlock(&slot->logins);
	leave();
	return CKR_OK;
}

static CK_STATE session_state(struct session *s) {
	switch (session_user(s)) {
	case CKU_SO:
		return CKS_RW_SO_FUNCTIONS;
	case CKU_USER:
		return s->writable ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
	default:
		return s->writable ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
	}
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO *info) {
	ENTER(s, session);
	REFUSE(info == NULL, CKR_ARGUMENTS_BAD);
	*info = (CK_SESSION_INFO){s->slot->id, session_state(s), CKF_SERIAL_SESSION | (s->writable ? CKF_RW_SESSION : 0), 0};
	return session_leave(s, CKR_OK);
}

CK_RV C_GetSessionValidationFlags(CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *flags) {
	(void)type;
	ENTER(s, session);
	if (flags != NULL)
		*flags = 0;
	return session_leave(s, flags == NULL ? CKR_ARGUMENTS_BAD : CKR_OK);
}

static void find_end(struct session *s) {
	free(s->found);
	s->found = NULL;
	s->found_count = s->found_next = 0;
	s->finding = false;
}

CK_RV C_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags) {
	static const CK_FLAGS of[KINDS] = {
		[ENCRYPT] = CKF_ENCRYPT, [DECRYPT] = CKF_DECRYPT, [DIGEST] = CKF_DIGEST, [SIGN] = CKF_SIGN | CKF_MESSAGE_SIGN,
		[VERIFY] = CKF_VERIFY | CKF_MESSAGE_VERIFY, [SIGN_RECOVER] = CKF_SIGN_RECOVER, [VERIFY_RECOVER] = CKF_VERIFY_RECOVER};
	ENTER(s, session);
	for (enum kind kind = ENCRYPT; kind < KINDS; kind++)
		if ((flags & of[kind]) != 0)
			operation_cancel(s, kind);
	if ((flags & CKF_FIND_OBJECTS) != 0)
		find_end(s);
	return session_leave(s, CKR_OK);
}

/* Logins */

/*
 * What is seen to be impossible without asking the agent. Whether who has logged in here is so still, it alone knows: another process
 * may have set another PIN.
 */
static CK_RV check_login(struct session *s, CK_USER_TYPE user) {
	if (user > CKU_CONTEXT_SPECIFIC)
		return CKR_USER_TYPE_INVALID;
	if (user == CKU_CONTEXT_SPECIFIC)
		return operations_begin(s); /* what the login is for */
	pthread_mutex_lock(&lock);
	bool read_only = s->slot->user == NOBODY && s->slot->sessions > s->slot->writable;
	pthread_mutex_unlock(&lock);
	return user == CKU_SO && read_only ? CKR_SESSION_READ_ONLY_EXISTS : CKR_OK;
}

/* Keeps who is logged in, and the ticket that the agent gave. */
static CK_RV logged_in(struct session *s, CK_USER_TYPE user, struct reader *in) {
	size_t n;
	const CK_BYTE *ticket = get_string(in, &n);
	if (in->failed)
		return CKR_DEVICE_ERROR;
	pthread_mutex_lock(&lock);
	if (user != CKU_CONTEXT_SPECIFIC && !s->over) {
		s->slot->user = user;
		s->slot->ticket_len = n > MAX_TICKET ? 0 : n;
		memcpy(s->slot->ticket, ticket, s->slot->ticket_len);
	}
	pthread_mutex_unlock(&lock);
	return CKR_OK;
}

static CK_RV log_in(struct session *s, CK_USER_TYPE user, const CK_UTF8CHAR *pin, CK_ULONG pinLen) {
	struct call c;
	CK_RV rv = check_login(s, user);
	if (rv != CKR_OK)
		return rv;
	session_call(&c, s, LOGIN);
	put_number(&c.out, user);
	put_string(&c.out, pin, pinLen);
	rv = session_send(&c, s, false);
	if (rv == CKR_OK)
		rv = logged_in(s, user, &c.in);
	call_end(&c);
	return rv;
}

CK_RV C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pinLen) {
	ENTER(s, session);
	pthread_mutex_lock(&s->slot->logins);
	rv = log_in(s, user, pin, pinLen);
	pthread_mutex_unlock(&s->slot->logins);
	return session_leave(s, rv);
}

CK_RV C_LoginUser(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pinLen, CK_UTF8CHAR *name, CK_ULONG nameLen) {
	(void)name;
	return nameLen > 0 ? CKR_ARGUMENTS_BAD : C_Login(session, user, pin, pinLen);
}

/* Whatever the agent says, nobody is logged in any more as far as the module goes: so who was logged out there can log in again. */
static CK_RV log_out(struct session *s) {
	struct call c;
	if (session_user(s) == NOBODY)
		return CKR_USER_NOT_LOGGED_IN;
	session_call(&c, s, LOGOUT);
	CK_RV rv = session_send(&c, s, true);
	call_end(&c);
	pthread_mutex_lock(&lock);
	slot_logout(s->slot);
	pthread_mutex_unlock(&lock);
	return rv;
}

CK_RV C_Logout(CK_SESSION_HANDLE session) {
	ENTER(s, session);
	pthread_mutex_lock(&s->slot->logins);
	rv = log_out(s);
	pthread_mutex_unlock(&s->slot->logins);
	return session_leave(s, rv);
}

/* Requests */

/* What a request of a session says, in the order of docs/agent-protocol.md. What is wrong with one is found by the writer. */
struct argument {
	void (*put)(struct writer *w, const struct argument *a);
	const void *at;
	CK_ULONG n;
};

static void put_n(struct writer *w, const struct argument *a) {
	put_number(w, a->n);
}

static void put_s(struct writer *w, const struct argument *a) {
	put_string(w, a->at, a->n);
}

static void put_t(struct writer *w, const struct argument *a) {
	put_template(w, a->at, a->n);
}

static void put_m(struct writer *w, const struct argument *a) {
	put_mechanism(w, a->at);
}

#define NUMBER(n) {put_n, NULL, n}
#define STRING(at, length) {put_s, at, length}
#define TEMPLATE(attributes, count) {put_t, attributes, count}
#define MECHANISM(mechanism) {put_m, mechanism, 0}
#define REQUEST(...) (const struct argument[]){__VA_ARGS__, {NULL, NULL, 0}}

static void request(struct call *c, struct session *s, unsigned call, const struct argument *arguments) {
	session_call(c, s, call);
	for (const struct argument *a = arguments; a->put != NULL; a++)
		a->put(&c->out, a);
}

/* A request that changes something, and has no results. */
static CK_RV change(CK_SESSION_HANDLE session, unsigned call, const struct argument *arguments) {
	struct call c;
	ENTER(s, session);
	request(&c, s, call, arguments);
	rv = session_send(&c, s, false);
	call_end(&c);
	objects_drop(s->slot->id);
	return session_leave(s, rv);
}

/* A request that makes an object, or two. */
static CK_RV make(CK_SESSION_HANDLE session, unsigned call, const struct argument *arguments, CK_OBJECT_HANDLE *made,
	CK_OBJECT_HANDLE *second) {
	struct call c;
	ENTER(s, session);
	REFUSE(made == NULL || second == NULL, CKR_ARGUMENTS_BAD);
	request(&c, s, call, arguments);
	rv = session_send(&c, s, false);
	if (rv == CKR_OK) {
		CK_OBJECT_HANDLE first = get_number(&c.in), other = second == made ? first : get_number(&c.in);
		s->objects |= ((first | other) & SESSION_OBJECT) != 0;
		if (c.in.failed || first == CK_INVALID_HANDLE || other == CK_INVALID_HANDLE) {
			rv = CKR_DEVICE_ERROR;
		} else {
			*second = other;
			*made = first;
		}
	}
	call_end(&c);
	return session_leave(s, rv);
}

CK_RV C_InitPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR *pin, CK_ULONG pinLen) {
	return change(session, INITPIN, REQUEST(STRING(pin, pinLen)));
}

/* A ticket with the old PIN would cost a try, as soon as there is a new one: the login cannot be resumed any more. */
CK_RV C_SetPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR *old, CK_ULONG oldLen, CK_UTF8CHAR *pin, CK_ULONG pinLen) {
	ENTER(s, session);
	pthread_mutex_lock(&lock);
	slot_drop_ticket(s->slot);
	pthread_mutex_unlock(&lock);
	session_leave(s, CKR_OK);
	return change(session, SETPIN, REQUEST(STRING(old, oldLen), STRING(pin, pinLen)));
}

CK_RV C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *made) {
	return make(session, CREATE, REQUEST(TEMPLATE(attributes, count)), made, made);
}

CK_RV C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *made) {
	return make(session, COPY, REQUEST(NUMBER(object), TEMPLATE(attributes, count)), made, made);
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
	return change(session, DESTROY, REQUEST(NUMBER(object)));
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes, CK_ULONG count) {
	return change(session, SET, REQUEST(NUMBER(object), TEMPLATE(attributes, count)));
}

CK_RV C_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *made) {
	return make(session, GENERATE, REQUEST(MECHANISM(mechanism), TEMPLATE(attributes, count)), made, made);
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *publicAttributes, CK_ULONG publicCount,
	CK_ATTRIBUTE *privateAttributes, CK_ULONG privateCount, CK_OBJECT_HANDLE *publicKey, CK_OBJECT_HANDLE *privateKey) {
	return make(session, GENERATEPAIR,
		REQUEST(MECHANISM(mechanism), TEMPLATE(publicAttributes, publicCount), TEMPLATE(privateAttributes, privateCount)), publicKey, privateKey);
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrappingKey, CK_BYTE *wrapped,
	CK_ULONG wrappedLen, CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *made) {
	return make(session, UNWRAP,
		REQUEST(MECHANISM(mechanism), NUMBER(unwrappingKey), STRING(wrapped, wrappedLen), TEMPLATE(attributes, count)), made, made);
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE baseKey, CK_ATTRIBUTE *attributes, CK_ULONG count,
	CK_OBJECT_HANDLE *made) {
	return make(session, DERIVE, REQUEST(MECHANISM(mechanism), NUMBER(baseKey), TEMPLATE(attributes, count)), made, made);
}

CK_RV C_WrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrappingKey, CK_OBJECT_HANDLE key, CK_BYTE *wrapped,
	CK_ULONG *wrappedLen) {
	struct call c;
	ENTER(s, session);
	REFUSE(wrappedLen == NULL, CKR_ARGUMENTS_BAD);
	request(&c, s, WRAP, REQUEST(MECHANISM(mechanism), NUMBER(wrappingKey), NUMBER(key)));
	rv = session_send(&c, s, false);
	if (rv == CKR_OK) {
		size_t n;
		const CK_BYTE *bytes = get_string(&c.in, &n);
		rv = c.in.failed ? CKR_DEVICE_ERROR : wrapped != NULL && *wrappedLen < n ? CKR_BUFFER_TOO_SMALL : CKR_OK;
		if (rv == CKR_OK && wrapped != NULL)
			memcpy(wrapped, bytes, n);
		if (!c.in.failed)
			*wrappedLen = n;
	}
	call_end(&c);
	return session_leave(s, rv);
}

/* Objects */

CK_RV C_GetObjectSize(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG *size) {
	struct record *record;
	ENTER(s, session);
	rv = size == NULL ? CKR_ARGUMENTS_BAD : object_get(s, object, &record);
	if (rv == CKR_OK) {
		*size = record->size - sizeof *record;
		object_release(record);
	}
	return session_leave(s, rv);
}

/* One attribute, as the standard has it: the length that it has, or that it is not to be had. */
static CK_RV get_attribute(const struct record *record, CK_ATTRIBUTE *a) {
	const struct value *v = find_value(record, a->type);
	CK_ULONG room = a->ulValueLen;
	a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
	if (v == NULL)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (v->len == CK_UNAVAILABLE_INFORMATION)
		return CKR_ATTRIBUTE_SENSITIVE;
	if (a->pValue != NULL && room < v->len)
		return CKR_BUFFER_TOO_SMALL;
	if (a->pValue != NULL && v->len > 0)
		memcpy(a->pValue, v->bytes, v->len);
	a->ulValueLen = v->len;
	return CKR_OK;
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes, CK_ULONG count) {
	struct record *record;
	ENTER(s, session);
	rv = attributes == NULL ? CKR_ARGUMENTS_BAD : object_get(s, object, &record);
	if (rv != CKR_OK)
		return session_leave(s, rv);
	for (CK_ULONG i = 0; i < count; i++) {
		CK_RV one = get_attribute(record, &attributes[i]);
		rv = rv == CKR_OK ? one : rv;
	}
	object_release(record);
	return session_leave(s, rv);
}

/* Keeps the records that FIND answers with, and the handles for C_FindObjects. */
static CK_RV take_found(struct session *s, struct call *c) {
	CK_ULONG count = get_number(&c->in);
	if (c->in.failed || count > c->in.left / 24) /* a record has three numbers at least */
		return CKR_DEVICE_ERROR;
	s->found = calloc(count + 1, sizeof *s->found);
	if (s->found == NULL)
		return CKR_HOST_MEMORY;
	for (s->found_count = 0; s->found_count < count; s->found_count++) {
		struct record *record;
		CK_RV rv = read_record(&c->in, s->slot->id, &record);
		if (rv != CKR_OK)
			return rv;
		s->found[s->found_count] = record->handle;
		object_keep(record, c);
		object_release(record);
	}
	return CKR_OK;
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count) {
	struct call c;
	ENTER(s, session);
	if (s->finding || (attributes == NULL && count > 0))
		return session_leave(s, s->finding ? CKR_OPERATION_ACTIVE : CKR_ARGUMENTS_BAD);
	session_call(&c, s, FIND);
	put_template(&c.out, attributes, count);
	rv = session_send(&c, s, true);
	if (rv == CKR_OK)
		rv = take_found(s, &c);
	call_end(&c);
	s->finding = rv == CKR_OK;
	if (rv != CKR_OK)
		find_end(s);
	return session_leave(s, rv);
}

CK_RV C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max, CK_ULONG *count) {
	ENTER(s, session);
	REFUSE(!s->finding, CKR_OPERATION_NOT_INITIALIZED);
	REFUSE(count == NULL || (objects == NULL && max > 0), CKR_ARGUMENTS_BAD);
	for (*count = 0; *count < max && s->found_next < s->found_count; ++*count)
		objects[*count] = s->found[s->found_next++];
	return session_leave(s, CKR_OK);
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE session) {
	ENTER(s, session);
	rv = s->finding ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
	find_end(s);
	return session_leave(s, rv);
}

/* Random bytes */

CK_RV C_SeedRandom(CK_SESSION_HANDLE session, CK_BYTE *seed, CK_ULONG seedLen) {
	struct session *s;
	CK_RV rv = session_enter(session, &s);
	if (rv != CKR_OK)
		return rv;
	return session_leave(s, seed == NULL && seedLen > 0 ? CKR_ARGUMENTS_BAD : CKR_RANDOM_SEED_NOT_SUPPORTED);
}

static CK_RV random_part(struct session *s, CK_BYTE *to, CK_ULONG n) {
	struct call c;
	session_call(&c, s, RANDOM);
	put_number(&c.out, n);
	CK_RV rv = session_send(&c, s, true);
	size_t got;
	const CK_BYTE *bytes = get_string(&c.in, &got);
	if (rv == CKR_OK && (c.in.failed || got != n))
		rv = CKR_DEVICE_ERROR;
	if (rv == CKR_OK)
		memcpy(to, bytes, n);
	call_end(&c);
	return rv;
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE *random, CK_ULONG randomLen) {
	ENTER(s, session);
	if (random == NULL && randomLen > 0)
		rv = CKR_ARGUMENTS_BAD;
	for (CK_ULONG n; rv == CKR_OK && randomLen > 0; random += n, randomLen -= n) {
		n = randomLen < 65536 ? randomLen : 65536;
		rv = random_part(s, random, n);
	}
	return session_leave(s, rv);
}

/* Operations: each function is a kind of operation and a stage of it */

#define INIT(function, kind, mode) \
	CK_RV function(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) { \
		return operation_init(session, kind, mode, mechanism, key, NULL, 0); \
	}
#define PASS(function, kind, stage) \
	CK_RV function(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG inLen, CK_BYTE *out, CK_ULONG *outLen) { \
		return operation_pass(session, kind, PLAIN, stage, (struct passage){in, inLen, NULL, 0, out, outLen}); \
	}
#define FEED(function, kind, mode, stage) \
	CK_RV function(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG inLen) { \
		return operation_pass(session, kind, mode, stage, (struct passage){.data = in, .dataLen = inLen}); \
	}
#define LAST(function, kind) \
	CK_RV function(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *outLen) { \
		return operation_pass(session, kind, PLAIN, FINAL, (struct passage){.out = out, .outLen = outLen}); \
	}
#define END(function, kind, mode, stage) \
	CK_RV function(CK_SESSION_HANDLE session) { \
		return operation_pass(session, kind, mode, stage, (struct passage){.data = NULL}); \
	}

INIT(C_EncryptInit, ENCRYPT, PLAIN)
INIT(C_DecryptInit, DECRYPT, PLAIN)
INIT(C_SignInit, SIGN, PLAIN)
INIT(C_SignRecoverInit, SIGN_RECOVER, PLAIN)
INIT(C_VerifyInit, VERIFY, PLAIN)
INIT(C_VerifyRecoverInit, VERIFY_RECOVER, PLAIN)
INIT(C_MessageSignInit, SIGN, MESSAGES)
INIT(C_MessageVerifyInit, VERIFY, MESSAGES)
PASS(C_Encrypt, ENCRYPT, SINGLE)
PASS(C_Decrypt, DECRYPT, SINGLE)
PASS(C_Digest, DIGEST, SINGLE)
PASS(C_Sign, SIGN, SINGLE)
PASS(C_SignRecover, SIGN_RECOVER, SINGLE)
PASS(C_VerifyRecover, VERIFY_RECOVER, SINGLE)
PASS(C_EncryptUpdate, ENCRYPT, UPDATE)
PASS(C_DecryptUpdate, DECRYPT, UPDATE)
FEED(C_DigestUpdate, DIGEST, PLAIN, UPDATE)
FEED(C_SignUpdate, SIGN, PLAIN, UPDATE)
FEED(C_VerifyUpdate, VERIFY, PLAIN, UPDATE)
FEED(C_VerifySignature, VERIFY, SIGNATURE_FIRST, SINGLE)
FEED(C_VerifySignatureUpdate, VERIFY, SIGNATURE_FIRST, UPDATE)
LAST(C_EncryptFinal, ENCRYPT)
LAST(C_DecryptFinal, DECRYPT)
LAST(C_DigestFinal, DIGEST)
LAST(C_SignFinal, SIGN)
END(C_VerifySignatureFinal, VERIFY, SIGNATURE_FIRST, FINAL)
END(C_MessageSignFinal, SIGN, MESSAGES, CANCEL)
END(C_MessageVerifyFinal, VERIFY, MESSAGES, CANCEL)

CK_RV C_DigestInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism) {
	return operation_init(session, DIGEST, PLAIN, mechanism, 0, NULL, 0);
}

/* Of a key whose value may be seen: others stay with the agent. */
CK_RV C_DigestKey(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) {
	struct record *record;
	ENTER(s, session);
	rv = session_leave(s, object_get(s, key, &record));
	if (rv != CKR_OK)
		return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
	const struct value *v = find_value(record, CKA_VALUE);
	if (number_of(record, CKA_CLASS, CKO_DATA) != CKO_SECRET_KEY || v == NULL || v->len == CK_UNAVAILABLE_INFORMATION)
		rv = CKR_KEY_INDIGESTIBLE;
	else
		rv = operation_pass(session, DIGEST, PLAIN, UPDATE, (struct passage){.data = v->bytes, .dataLen = v->len});
	object_release(record);
	return rv;
}

CK_RV C_Verify(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG dataLen, CK_BYTE *signature, CK_ULONG signatureLen) {
	return operation_pass(session, VERIFY, PLAIN, SINGLE, (struct passage){data, dataLen, signature, signatureLen, NULL, NULL});
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signatureLen) {
	return operation_pass(session, VERIFY, PLAIN, FINAL, (struct passage){NULL, 0, signature, signatureLen, NULL, NULL});
}

/* None of our signatures takes a parameter for each message. */
CK_RV C_SignMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen, CK_BYTE *data, CK_ULONG dataLen,
	CK_BYTE *signature, CK_ULONG *signatureLen) {
	(void)parameter;
	if (parameterLen > 0)
		return CKR_ARGUMENTS_BAD;
	return operation_pass(session, SIGN, MESSAGES, SINGLE, (struct passage){data, dataLen, NULL, 0, signature, signatureLen});
}

CK_RV C_VerifyMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen, CK_BYTE *data, CK_ULONG dataLen,
	CK_BYTE *signature, CK_ULONG signatureLen) {
	(void)parameter;
	if (parameterLen > 0)
		return CKR_ARGUMENTS_BAD;
	return operation_pass(session, VERIFY, MESSAGES, SINGLE, (struct passage){data, dataLen, signature, signatureLen, NULL, NULL});
}

CK_RV C_VerifySignatureInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_BYTE *signature,
	CK_ULONG signatureLen) {
	return operation_init(session, VERIFY, SIGNATURE_FIRST, mechanism, key, signature, signatureLen);
}
