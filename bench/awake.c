// Preloaded into the load generator: it polls instead of sleeping. Waking a sleeper on another core
// costs the server an interrupt, which on a virtual machine takes longer than all the rest of a
// request; and the faster a server is, the less often its client sleeps, so that a comparison would
// mostly measure that.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <sys/epoll.h>
#include <time.h>

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

int epoll_wait(int fd, struct epoll_event* events, int count, int timeout) {
  static int (*real)(int, struct epoll_event*, int, int);
  if (!real) *(void**)&real = dlsym(RTLD_NEXT, "epoll_wait");
  const long long until = now_ms() + timeout;
  for (;;) {
    const int n = real(fd, events, count, 0);
    if (n != 0 || (timeout >= 0 && now_ms() >= until)) return n;
    sched_yield();
  }
}
