/* In place of liburcu, of which xfsprogs needs nothing but the atomic counters (urcu/uatomic.h): what
 * it reads under RCU, the list of allocation groups, goes only when the file system is closed and
 * every reader has ended. */
#ifndef LUCIE_NO_URCU_H
#define LUCIE_NO_URCU_H

#include <urcu/uatomic.h>

struct rcu_head {
	void *unused;
};

static inline void call_rcu(struct rcu_head *head, void (*release)(struct rcu_head *))
{
	release(head);
}

static inline void rcu_read_lock(void)
{
}

static inline void rcu_read_unlock(void)
{
}

static inline void rcu_init(void)
{
}

static inline void rcu_register_thread(void)
{
}

static inline void rcu_unregister_thread(void)
{
}

#endif
