#include "CKernels.h"

#if defined(__x86_64__)
#include <cpuid.h>

sower_cpuid_registers sower_cpuid(uint32_t leaf, uint32_t subleaf) {
    sower_cpuid_registers r = {0, 0, 0, 0};
    __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
    return r;
}

uint64_t sower_xcr0(void) {
    if ((sower_cpuid(1, 0).ecx & (1u << 27)) == 0) return 0;
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}
#else
sower_cpuid_registers sower_cpuid(uint32_t leaf, uint32_t subleaf) {
    (void)leaf, (void)subleaf;
    return (sower_cpuid_registers){0, 0, 0, 0};
}
uint64_t sower_xcr0(void) { return 0; }
#endif
