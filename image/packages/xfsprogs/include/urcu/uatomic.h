/* The atomic counters of liburcu that xfsprogs uses, as the compiler has them; at least as strictly
 * ordered as liburcu's. */
#ifndef LUCIE_UATOMIC_H
#define LUCIE_UATOMIC_H

#define uatomic_read(p)		 __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define uatomic_set(p, v)	 __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define uatomic_add_return(p, v) __atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST)
#define uatomic_sub_return(p, v) __atomic_sub_fetch((p), (v), __ATOMIC_SEQ_CST)
#define uatomic_add(p, v)	 ((void)uatomic_add_return((p), (v)))
#define uatomic_sub(p, v)	 ((void)uatomic_sub_return((p), (v)))
#define uatomic_inc(p)		 uatomic_add((p), 1)
#define uatomic_dec(p)		 uatomic_sub((p), 1)
/* The value that was there. */
#define uatomic_cmpxchg(p, old, new)                                                               \
	({                                                                                         \
		__typeof__(*(p)) was = (old);                                                      \
		__atomic_compare_exchange_n((p), &was, (new), 0, __ATOMIC_SEQ_CST,                 \
					    __ATOMIC_SEQ_CST);                                     \
		was;                                                                               \
	})

#endif
