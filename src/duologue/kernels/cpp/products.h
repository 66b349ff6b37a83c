// Products of rows with a weight, and mixtures of experts. Read `tile` first: every product here is made of it.
//
// An output is one chain of sums over the numbers of its row, from the first to the last; outputs lie across the lanes. So its
// bits depend on its row and its weights alone: not on how many rows there are, on the tile or on the thread.
//
// A weight [out, in] lies in panels of P outputs: [panel][step][P][WIDTH], where a step takes WIDTH numbers of x (in bf16 two);
// what is beyond the last output or number is zero. So one row reads it in one sweep, and many rows find a panel in the cache.
#pragma once

#include "vectors.h"

constexpr long P = 2 * L;

// What one step takes in: PARTS products and sums for each vector of outputs.
template <class W> struct Step {  // fp32 and int8: one number
    typedef float X;
    static constexpr int WIDTH = 1, PARTS = 1;
    static inline V get(const W* w, int) { return load(w, L); }
    static inline V spread(const float* x, int) { return all(*x); }
    static inline V add(V acc, V x, V w) { return mad(x, w, acc); }
};
template <> struct Step<bf16> {
    static constexpr int WIDTH = 2;
#if defined(WITH_AVX512) && defined(__AVX512BF16__)
    typedef bf16 X;
    static constexpr int PARTS = 1;
    static inline __m512i get(const bf16* w, int) { return _mm512_loadu_si512(w); }
    static inline __m512i spread(const bf16* x, int) { return _mm512_set1_epi32(*(const int32_t*)x); }
    static inline V add(V acc, __m512i x, __m512i w) { return (V)_mm512_dpbf16_ps((__m512)acc, (__m512bh)x, (__m512bh)w); }
#else
    typedef float X;  // widened before; a shift or a mask makes fp32 of one of a pair, and nothing moves from lane to lane
    static constexpr int PARTS = 2;
    static inline V get(const bf16* w, int part) {
        VI pair;
        std::memcpy(&pair, w, sizeof pair);
        return (V)(part ? pair & -0x10000 : pair << 16);
    }
    static inline V spread(const float* x, int part) { return all(x[part]); }
    static inline V add(V acc, V x, V w) { return mad(x, w, acc); }
#endif
};

static inline long panels_of(long outputs) { return (outputs + P - 1) / P; }
template <class W> static inline long steps_of(long wide) { return (wide + Step<W>::WIDTH - 1) / Step<W>::WIDTH; }
template <class W> static inline long size_of(long wide) { return steps_of<W>(wide) * Step<W>::WIDTH * P; }  // of a panel

// Rows and columns of L vectors change places: of each two vectors S apart the halves of every 2 S lanes are exchanged.
template <int S = L / 2> static inline void transpose(VI* rows) {
    VI low, high;
    for (int l = 0; l < L; l++) low[l] = l & S ? L + l - S : l, high[l] = l & S ? L + l : l + S;
#pragma GCC unroll 16
    for (int i = 0; i < L; i++)
        if (!(i & S)) {
            const VI a = rows[i], b = rows[i + S];
            rows[i] = __builtin_shuffle(a, b, low), rows[i + S] = __builtin_shuffle(a, b, high);
        }
    if constexpr (S > 1) transpose<S / 2>(rows);
}

// Outputs [count, steps], a step a number T, as one panel.
template <class T> static void panelled(const T* w, T* panel, long count, long steps) {
    long k = 0;
    if constexpr (sizeof(T) == sizeof(int32_t))
        for (; count == P && k + L <= steps; k += L)
            for (long half = 0; half < P; half += L) {
                VI rows[L];
#pragma GCC unroll 16
                for (int i = 0; i < L; i++) std::memcpy(&rows[i], w + (half + i) * steps + k, sizeof(VI));
                transpose(rows);
#pragma GCC unroll 16
                for (int i = 0; i < L; i++) std::memcpy(panel + (k + i) * P + half, &rows[i], sizeof(VI));
            }
    for (; k < steps; k++)
        for (long p = 0; p < P; p++) panel[k * P + p] = p < count ? w[p * steps + k] : T{};
}

// Weights [matrices, outputs, steps] as panels.
template <class T> static void panels(const T* w, T* to, long matrices, long outputs, long steps) {
    const long each = panels_of(outputs);
#pragma omp parallel for schedule(static)
    for (long task = 0; task < matrices * each; task++) {
        const long from = task % each * P;
        panelled(w + (task / each * outputs + from) * steps, to + task * steps * P, std::min(P, outputs - from), steps);
    }
}

// M rows of x with N panels of w: gives (row, panel, half, sums).
template <class W, int M, int N, class Give> static inline void tile(const typename Step<W>::X* const* x, const W* w, long wide, Give give) {
    typedef Step<W> S;
    const long size = size_of<W>(wide), steps = steps_of<W>(wide);
    V acc[M][2 * N] = {};
    for (long k = 0; k < steps; k++)
        for (int part = 0; part < S::PARTS; part++) {
            decltype(S::get(w, part)) ws[2 * N];
            for (int n = 0; n < 2 * N; n++) ws[n] = S::get(w + n / 2 * size + (2 * k + n % 2) * L * S::WIDTH, part);
            for (int m = 0; m < M; m++) {
                auto xs = S::spread(x[m] + k * S::WIDTH, part);
                for (int n = 0; n < 2 * N; n++) acc[m][n] = S::add(acc[m][n], xs, ws[n]);
            }
        }
    V sums[M][2 * N];
    take<2 * M * N>(acc[0], sums[0]);
    for (int m = 0; m < M; m++)
        for (int n = 0; n < 2 * N; n++) give(m, n / 2, n % 2, sums[m][n]);
}

// Any number of rows with one panel.
template <class W, class Give> static inline void tiles(const typename Step<W>::X* const* x, long rows, const W* w, long wide, Give give) {
    for (long r = 0; r < rows; r += 6) {
        auto here = [&](int m, int, int half, V sums) { give(r + m, half, sums); };
        switch (rows - r) {
            case 1: tile<W, 1, 1>(x + r, w, wide, here); break;
            case 2: tile<W, 2, 1>(x + r, w, wide, here); break;
            case 3: tile<W, 3, 1>(x + r, w, wide, here); break;
            case 4: tile<W, 4, 1>(x + r, w, wide, here); break;
            case 5: tile<W, 5, 1>(x + r, w, wide, here); break;
            default: tile<W, 6, 1>(x + r, w, wide, here);
        }
    }
}

constexpr long GROUP = 4;  // panels side by side: for one row eight chains at once, since a sum waits for the one before

// Any number of rows with up to GROUP panels: gives (row, panel, half, sums).
template <class W, class Give> static inline void group(const typename Step<W>::X* const* x, long rows, const W* w, long panels, long wide, Give give) {
    const long size = size_of<W>(wide);
    if (rows == 1 && panels == GROUP) return tile<W, 1, 4>(x, w, wide, give);
    if (rows == 2 && panels == GROUP) {
        tile<W, 2, 2>(x, w, wide, give);
        return tile<W, 2, 2>(x, w + 2 * size, wide, [&](long row, long panel, int half, V sums) { give(row, panel + 2, half, sums); });
    }
    for (long p = 0; p < panels; p++) tiles<W>(x, rows, w + p * size, wide, [&](long row, int half, V sums) { give(row, p, half, sums); });
}

// Rows as a step wants them: widened, or as they are, with a zero behind an odd number.
template <class W, class T> struct Rows {
    typedef typename Step<W>::X X;
    std::vector<X> own;
    const X* first;
    long stride;
    Rows(const T* x, long rows, long wide) : stride(steps_of<W>(wide) * Step<W>::WIDTH) {
        if (std::is_same<T, X>::value && stride == wide) {
            first = (const X*)x;
            return;
        }
        own.resize(rows * stride);
        for (long r = 0; r < rows; r++) widen(x + r * wide, own.data() + r * stride, wide);
        first = own.data();
    }
    static void widen(const T* from, X* to, long count) {
        if (std::is_same<T, X>::value) std::memcpy(to, from, count * sizeof(T));
        else
            for (long i = 0; i < count; i += L) keep((float*)to + i, load(from + i, count - i), count - i < L ? count - i : L);
    }
    const X* operator[](long r) const { return first + r * stride; }
};

constexpr long BAND = 96;  // rows that stay in the cache while the panels pass
// y = x w^T, times a scale for each output if given.
template <class W, class T, class Y> static void product(const T* x, const W* w, const float* scale, Y* y, long rows, long outputs, long wide) {
    const Rows<W, T> in(x, rows, wide);
    const long panels = panels_of(outputs), size = size_of<W>(wide), groups = (panels + GROUP - 1) / GROUP, bands = (rows + BAND - 1) / BAND;
    auto give = [&](long row, long panel, int half, V sums) {
        const long n = panel * P + half * L, count = outputs - n < L ? outputs - n : L;
        if (count > 0) keep(y + row * outputs + n, scale ? sums * load(scale + n, count) : sums, count);
    };
#pragma omp parallel for schedule(static)
    for (long task = 0; task < bands * groups; task++) {
        const long from = task / groups * BAND, band = rows - from < BAND ? rows - from : BAND;
        const long first = task % groups * GROUP, last = panels < first + GROUP ? panels : first + GROUP;
        const typename Step<W>::X* xs[BAND];
        for (long r = 0; r < band; r++) xs[r] = in[from + r];
        group<W>(xs, band, w + first * size, last - first, wide, [&](long row, long panel, int half, V sums) { give(from + row, first + panel, half, sums); });
    }
}

// Pairs (row, choice) in the order of their experts.
struct Groups {
    std::vector<long> pair, begin, used;
    Groups(const int64_t* expert, long pairs, long experts) : pair(pairs), begin(experts + 1) {
        for (long p = 0; p < pairs; p++) begin[expert[p] + 1]++;
        for (long e = 0; e < experts; e++) {
            if (begin[e + 1]) used.push_back(e);
            begin[e + 1] += begin[e];
        }
        std::vector<long> next(begin.begin(), begin.end() - 1);
        for (long p = 0; p < pairs; p++) pair[next[expert[p]]++] = p;
    }
};

// y[row] = sum over the row's chosen experts e, in the order of e, of gate * down_e (silu(gate_e x) * up_e x). The panels of an
// expert's gates come first, then those of its ups.
template <class W, class T>
static void mixture(const T* x, const int64_t* expert, const float* gate, const W* gate_up, const float* scale_up, const W* down,
                    const float* scale_down, float* y, long rows, long chosen, long experts, long width, long hidden) {
    typedef typename Step<W>::X X;
    const Rows<W, T> in(x, rows, width);
    const Groups groups(expert, rows * chosen, experts);
    const long inner_panels = panels_of(hidden), inner_size = size_of<W>(width), inner_groups = (inner_panels + GROUP - 1) / GROUP;
    const long panels = panels_of(width), size = size_of<W>(hidden), outer_groups = (panels + GROUP - 1) / GROUP;
    const long stride = steps_of<W>(hidden) * Step<W>::WIDTH, tasks = long(groups.used.size()) * inner_groups;
    std::vector<X> inner(rows * chosen * stride);
#pragma omp parallel
    {
        std::vector<float> gates(BAND * GROUP * P), ups(BAND * GROUP * P);
        const X* xs[BAND];
        auto banded = [&](long e, auto with) {
            for (long from = groups.begin[e]; from < groups.begin[e + 1]; from += BAND)
                with(from, groups.begin[e + 1] - from < BAND ? groups.begin[e + 1] - from : BAND);
        };
#pragma omp for schedule(static)
        for (long task = 0; task < tasks; task++) {
            const long e = groups.used[task / inner_groups], p = task % inner_groups * GROUP, some = inner_panels - p < GROUP ? inner_panels - p : GROUP;
            const W *top = gate_up + (2 * e * inner_panels + p) * inner_size, *bottom = top + inner_panels * inner_size;
            const float* scales = scale_up ? scale_up + 2 * e * hidden + p * P : nullptr;
            banded(e, [&](long from, long band) {
                for (long r = 0; r < band; r++) xs[r] = in[groups.pair[from + r] / chosen];
                auto into = [&](std::vector<float>& sums) {
                    return [&](long r, long panel, int half, V v) { keep(&sums[(r * GROUP + panel) * P + half * L], v, L); };
                };
                group<W>(xs, band, top, some, width, into(gates));
                group<W>(xs, band, bottom, some, width, into(ups));
                for (long n = 0; n < some * P && p * P + n < hidden; n += L) {
                    const long count = hidden - p * P - n < L ? hidden - p * P - n : L;
                    const V left = scales ? load(scales + n, count) : all(1.0f), right = scales ? load(scales + hidden + n, count) : all(1.0f);
                    for (long r = 0; r < band; r++)
                        keep(&inner[(from + r) * stride + p * P + n], silu(load(&gates[r * GROUP * P + n], L) * left) * (load(&ups[r * GROUP * P + n], L) * right), count);
                }
            });
        }
#pragma omp for schedule(static)
        for (long task = 0; task < outer_groups; task++) {
            const long p = task * GROUP, some = panels - p < GROUP ? panels - p : GROUP, n = p * P, count = width - n < some * P ? width - n : some * P;
            for (long r = 0; r < rows; r++) std::memset(y + r * width + n, 0, count * sizeof(float));
            for (long e : groups.used)
                banded(e, [&](long from, long band) {
                    for (long r = 0; r < band; r++) xs[r] = &inner[(from + r) * stride];
                    group<W>(xs, band, down + (e * panels + p) * size, some, hidden, [&](long r, long panel, int half, V sums) {
                        const long pair = groups.pair[from + r], at = n + panel * P + half * L, left = width - at < L ? width - at : L;
                        if (left <= 0) return;
                        float* to = y + pair / chosen * width + at;
                        keep(to, load(to, left) + (scale_down ? sums * load(scale_down + e * width + at, left) : sums) * gate[pair], left);
                    });
                });
        }
    }
}
