/* The usual life of a client of ZooKeeper's C library. Prints one line per step; the exit code is 0 if all hold. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zookeeper/zookeeper.h>

enum { DEADLINE_SECONDS = 60, TIMEOUT_MS = 10000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int connected, data_events, child_events;

static void on_event(zhandle_t *handle, int type, int state, const char *path, void *context)
{
    (void)handle, (void)path, (void)context;
    pthread_mutex_lock(&lock);
    if (type == ZOO_SESSION_EVENT)
        connected = state == ZOO_CONNECTED_STATE;
    else if (type == ZOO_CHANGED_EVENT)
        data_events++;
    else if (type == ZOO_CHILD_EVENT)
        child_events++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int wait_for(const int *counter)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += DEADLINE_SECONDS;
    pthread_mutex_lock(&lock);
    int late = 0;
    while (!*counter && !late)
        late = pthread_cond_timedwait(&changed, &lock, &deadline);
    int happened = *counter;
    pthread_mutex_unlock(&lock);
    return happened;
}

static void check(int holds, const char *what)
{
    printf("%s %s\n", holds ? "ok" : "not ok", what);
    if (!holds)
        exit(1);
}

static int data_is(zhandle_t *handle, const char *path, int watch, const char *expected, int version)
{
    char data[64];
    int length = sizeof data;
    struct Stat stat;
    return zoo_get(handle, path, watch, data, &length, &stat) == ZOK && length == (int)strlen(expected)
        && memcmp(data, expected, length) == 0 && stat.version == version;
}

static int has_children(zhandle_t *handle, const char *path, int watch, int expected)
{
    struct String_vector names;
    if (zoo_get_children(handle, path, watch, &names) != ZOK)
        return 0;
    int count = names.count;
    deallocate_String_vector(&names);
    return count == expected;
}

int main(int count, char **arguments)
{
    if (count != 2)
        return 2;
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    zhandle_t *handle = zookeeper_init(arguments[1], on_event, TIMEOUT_MS, NULL, NULL, 0);
    check(handle && wait_for(&connected), "connects");
    check(zoo_recv_timeout(handle) == TIMEOUT_MS, "gets the time-out it asked for");

    char path[64];
    check(zoo_create(handle, "/c", "one", 3, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path) == ZOK, "creates");
    check(strcmp(path, "/c") == 0, "is told the path");
    check(zoo_create(handle, "/c", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0) == ZNODEEXISTS, "does not create twice");
    check(zoo_create(handle, "/c/s-", NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL, path, sizeof path)
        == ZOK && strcmp(path, "/c/s-0000000000") == 0, "creates an ephemeral sequence node");

    check(data_is(handle, "/c", 1, "one", 0), "gets, and watches");
    check(zoo_set(handle, "/c", "two", 3, 0) == ZOK, "sets");
    check(wait_for(&data_events), "is told of the change");
    check(zoo_set(handle, "/c", "three", 5, 0) == ZBADVERSION, "does not set an old version");
    check(data_is(handle, "/c", 0, "two", 1), "gets the new data");

    check(has_children(handle, "/c", 1, 1), "lists children, and watches");
    zoo_op_t operations[4];
    zoo_op_result_t results[4];
    struct Stat stat;
    zoo_create_op_init(&operations[0], "/c/m", "x", 1, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path);
    zoo_check_op_init(&operations[1], "/c", 1);
    zoo_set_op_init(&operations[2], "/c", "six", 3, 1, &stat);
    zoo_delete_op_init(&operations[3], "/c/s-0000000000", -1);
    check(zoo_multi(handle, 4, operations, results) == ZOK && stat.version == 2, "does a multi");
    check(wait_for(&child_events), "is told of the children's change");
    zoo_delete_op_init(&operations[1], "/missing", -1);
    check(zoo_multi(handle, 2, operations, results) == ZNODEEXISTS && results[0].err == ZNODEEXISTS
        && results[1].err == ZRUNTIMEINCONSISTENCY, "is told which part of a multi failed");

    struct ACL_vector acl;
    check(zoo_get_acl(handle, "/c", &acl, &stat) == ZOK && acl.count == 1
        && strcmp(acl.data[0].id.scheme, "world") == 0, "gets the ACL");
    deallocate_ACL_vector(&acl);

    check(zoo_delete(handle, "/c", -1) == ZNOTEMPTY, "does not delete a parent");
    check(zoo_delete(handle, "/c/m", 7) == ZBADVERSION, "does not delete an old version");
    check(zoo_delete(handle, "/c/m", 0) == ZOK && zoo_delete(handle, "/c", -1) == ZOK, "deletes");
    check(zoo_exists(handle, "/c", 0, &stat) == ZNONODE, "sees that it is gone");
    check(zookeeper_close(handle) == ZOK, "closes");
    return 0;
}
