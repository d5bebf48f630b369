/* refused: take out a declaration of your own */
#include <linux/sched.h>
extern int clone(void *sp, unsigned long flags);
int main() { return clone(0, SIGCLD); }
