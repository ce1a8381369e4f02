/* The host as plug-in and reference see it: the harness's own, with an account by kind. */
#ifndef ADAPTER_ACCOUNT_H
#define ADAPTER_ACCOUNT_H

#include "resbench/engine.h"

typedef struct rb_account rb_account;

/* inner outlives the account. NULL when there is no memory. */
rb_account *rb_account_create(const rb_host *inner);

/* Everything taken must have been released. NULL is fine. */
void rb_account_destroy(rb_account *account);

const rb_host *rb_account_host(rb_account *account);

/* The same, but values are booked as scratch: for the reference's own copies of what it is given.
 */
const rb_host *rb_account_scratch_host(rb_account *account);

/* Bytes held now, by kind. */
rb_memory rb_account_held(rb_account *account);

#endif
