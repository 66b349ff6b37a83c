// What `fast.py` calls: products of rows with large weights, mixtures of experts, attention over a ring, norms, draws of the flow head.
#include "draw.h"
#include "layers.h"

enum Kind { FP32 = 0, BF16 = 1, INT8 = 2 };

extern "C" {

// Reads count numbers, a multiple of 256, as fast as memory gives them; what it returns is of no use.
float total(const float* p, long count) {
    float sum = 0;
#pragma omp parallel for reduction(+ : sum) schedule(static)
    for (long part = 0; part < count / 256; part++) {
        V acc[4] = {};
        for (int i = 0; i < 256; i += 4 * L)
            for (int j = 0; j < 4; j++) acc[j] = acc[j] + load(p + part * 256 + i + j * L, L);
        V all = acc[0] + acc[1] + acc[2] + acc[3];
        for (int i = 0; i < L; i++) sum += all[i];
    }
    return sum;
}

int threads() {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

// Outputs of a panel.
int panel() { return P; }

// A step is one number of fp32 or int8, two of bf16.
void pack(int kind, const void* w, void* to, long matrices, long outputs, long steps) {
    if (kind == INT8) panels((const int8_t*)w, (int8_t*)to, matrices, outputs, steps);
    else panels((const int32_t*)w, (int32_t*)to, matrices, outputs, steps);
}

void linear(int kind, const void* x, const void* w, const float* scale, void* y, int narrow_y, long rows, long wide_out, long wide_in) {
    if (kind == FP32) product((const float*)x, (const float*)w, scale, (float*)y, rows, wide_out, wide_in);
    else if (kind == INT8) product((const float*)x, (const int8_t*)w, scale, (float*)y, rows, wide_out, wide_in);
    else if (narrow_y) product((const bf16*)x, (const bf16*)w, scale, (bf16*)y, rows, wide_out, wide_in);
    else product((const bf16*)x, (const bf16*)w, scale, (float*)y, rows, wide_out, wide_in);
}

void experts(int kind, const void* x, const int64_t* expert, const float* gate, const void* gate_up, const float* scale_up, const void* down,
             const float* scale_down, float* y, long rows, long chosen, long experts, long width, long hidden) {
    if (kind == FP32)
        mixture((const float*)x, expert, gate, (const float*)gate_up, scale_up, (const float*)down, scale_down, y, rows, chosen, experts, width, hidden);
    else if (kind == INT8)
        mixture((const float*)x, expert, gate, (const int8_t*)gate_up, scale_up, (const int8_t*)down, scale_down, y, rows, chosen, experts, width, hidden);
    else
        mixture((const bf16*)x, expert, gate, (const bf16*)gate_up, scale_up, (const bf16*)down, scale_down, y, rows, chosen, experts, width, hidden);
}

void attention(int kind, const void* q, const void* ring, const int64_t* rows, const void* mask, void* y, long batch, long n, long heads, long groups, long capacity, long wide, long session, long lines) {
    if (kind == FP32) live((const float*)q, heads * wide, (const float*)ring, rows, (const float*)mask, (float*)y, batch, n, heads, groups, capacity, wide, session, lines);
    else live((const bf16*)q, heads * wide, (const bf16*)ring, rows, (const bf16*)mask, (bf16*)y, batch, n, heads, groups, capacity, wide, session, lines);
}

void layers(int kind, const void* const* weights, float* x, float eps, const float* cosine, const float* sine, void* ring, const int64_t* place, const int64_t* rows, const void* mask, const long* shape) {
    const Shape& sizes = *(const Shape*)shape;
    if (kind == FP32) stack(weights, x, eps, cosine, sine, (float*)ring, place, rows, (const float*)mask, sizes);
    else stack(weights, x, eps, cosine, sine, (bf16*)ring, place, rows, (const bf16*)mask, sizes);
}

void draw(int kind, const void* const* weights, const void* condition, const void* shared, float* noisy, float guidance, const long* shape) {
    const Draw& sizes = *(const Draw*)shape;
    if (kind == FP32) drawn(weights, (const float*)condition, (const float*)shared, noisy, guidance, sizes);
    else drawn(weights, (const bf16*)condition, (const bf16*)shared, noisy, guidance, sizes);
}

void window(int kind, const void* qkv, const void* sink, void* y, float* logs, long batch, long n, long heads, long groups, long wide, long window, long laps) {
    if (kind == FP32) whole((const float*)qkv, (const float*)sink, (float*)y, logs, batch, n, heads, groups, wide, window, laps);
    else whole((const bf16*)qkv, (const bf16*)sink, (bf16*)y, logs, batch, n, heads, groups, wide, window, laps);
}

void weights(int kind, void* scores, const float* sinks, float* sums, float* logs, long total, long rows, long columns, long share, long ahead, long window, float factor) {
    if (kind == FP32) softened((float*)scores, sinks, sums, logs, total, rows, columns, share, ahead, window, factor);
    else softened((bf16*)scores, sinks, sums, logs, total, rows, columns, share, ahead, window, factor);
}

void weights_back(int kind, void* scores, void* grads, const float* logs, const float* pulled, long total, long rows, long columns, long share, long ahead, long window, float factor) {
    if (kind == FP32) unsoftened((float*)scores, (float*)grads, logs, pulled, total, rows, columns, share, ahead, window, factor);
    else unsoftened((bf16*)scores, (bf16*)grads, logs, pulled, total, rows, columns, share, ahead, window, factor);
}

void turn(int kind, const void* y, const float* weight, float eps, const float* cosine, const float* sine, void* z, long positions, long heads, long some, long wide) {
    if (kind == FP32) rotated((const float*)y, weight, eps, cosine, sine, (float*)z, positions, heads, some, wide);
    else rotated((const bf16*)y, weight, eps, cosine, sine, (bf16*)z, positions, heads, some, wide);
}

void turn_back(int kind, const void* y, const float* weight, float eps, const float* cosine, const float* sine, const void* dz, void* dy, float* dw, long positions, long heads, long some, long wide) {
    if (kind == FP32) rotated_back((const float*)y, weight, eps, cosine, sine, (const float*)dz, (float*)dy, dw, positions, heads, some, wide);
    else rotated_back((const bf16*)y, weight, eps, cosine, sine, (const bf16*)dz, (bf16*)dy, dw, positions, heads, some, wide);
}

void gate(int kind, const void* y, void* z, long rows, long wide) {
    if (kind == FP32) halves((const float*)y, (float*)z, rows, wide);
    else halves((const bf16*)y, (bf16*)z, rows, wide);
}

void gate_back(int kind, const void* y, const void* dz, void* dy, long rows, long wide) {
    if (kind == FP32) halves_back((const float*)y, (const float*)dz, (float*)dy, rows, wide);
    else halves_back((const bf16*)y, (const bf16*)dz, (bf16*)dy, rows, wide);
}

void norm(const float* x, const float* weight, float eps, float* y, long rows, long kinds, long wide) { rms(x, weight, eps, y, rows, kinds, wide); }

void norm_back(const float* x, const float* weight, float eps, const float* dy, float* dx, float* dw, long rows, long kinds, long wide) {
    rms_back(x, weight, eps, dy, dx, dw, rows, kinds, wide);
}
}
