// Products of a few rows with large weights, mixture of experts, attention over a ring, RMSNorm. Read `dots` first: every
// product here is made of it. It sums each output in one order, whatever the number of rows, the tile or the thread: lane l
// of one vector takes the terms l, l + LANES, ... in turn (in bf16 it takes them in pairs), then the upper half of the lanes
// is added to the lower until one is left. So a row's bits depend on nothing but the row. Compiled without contraction.
//
// A vector has sixteen lanes with AVX512 and eight elsewhere. What AVX512 and AVX2 do in their own way comes first: a product
// and a sum, a product of bf16 pairs, the sums of many vectors' lanes. All the rest is the compiler's own vectors.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>
#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define WITH_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__)
#define WITH_AVX2 1
#endif
#if defined(WITH_AVX512) || defined(WITH_AVX2)
#include <immintrin.h>
#endif

#ifdef WITH_AVX512
constexpr int L = 16;  // lanes, outputs of a block, places of a key block
#else
constexpr int L = 8;
#endif
typedef uint16_t bf16;
typedef float V __attribute__((vector_size(4 * L)));
typedef int32_t VI __attribute__((vector_size(4 * L)));
typedef uint32_t VU __attribute__((vector_size(4 * L)));
typedef uint16_t VH __attribute__((vector_size(2 * L)));
typedef int8_t VB __attribute__((vector_size(L)));

enum Kind { FP32 = 0, BF16 = 1, INT8 = 2 };

static inline VH narrow(V v) {  // to the nearest, ties to even; what is no number stays none
    VU bits = (VU)v, top = bits >> 16, rounded = (bits + 0x7fff + (top & 1)) >> 16;
    return __builtin_convertvector((bits & 0x7fffffff) > 0x7f800000 ? top | 64 : rounded, VH);
}

// L numbers as fp32, zeros from `left` on.
#ifdef WITH_AVX512
static inline __mmask16 first(long left) { return left >= L ? 0xffff : __mmask16((1u << left) - 1); }
static inline V load(const float* p, long left) { return (V)_mm512_maskz_loadu_ps(first(left), p); }
static inline V load(const bf16* p, long left) {
    return (V)_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first(left), p)), 16));
}
static inline V load(const int8_t* p, long left) {
    return (V)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first(left), p)));
}
#else
template <class R, class T> static inline R raw(const T* p, long left) {
    R v = {};
    if (left * sizeof(T) >= sizeof(R)) std::memcpy(&v, p, sizeof(R));
    else std::memcpy(&v, p, left * sizeof(T));
    return v;
}
static inline V load(const float* p, long left) { return raw<V>(p, left); }
static inline V load(const bf16* p, long left) { return (V)(__builtin_convertvector(raw<VH>(p, left), VU) << 16); }
static inline V load(const int8_t* p, long left) { return __builtin_convertvector(__builtin_convertvector(raw<VB>(p, left), VI), V); }
#endif

static inline V mad(V a, V b, V c) {
#if defined(WITH_AVX512)
    return (V)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(WITH_AVX2)
    return (V)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

static inline bool any(VI v) {
#if defined(WITH_AVX512)
    return _mm512_test_epi32_mask((__m512i)v, (__m512i)v);
#elif defined(WITH_AVX2)
    return !_mm256_testz_si256((__m256i)v, (__m256i)v);
#else
    int32_t all = 0;
    for (int i = 0; i < L; i++) all |= v[i];
    return all;
#endif
}

// What one step of the sum takes in: LANES numbers of a row of x or of w.
template <class W> struct Step {
    typedef float X;
    typedef V Vec;
    static constexpr int LANES = L;
    static inline V get(const float* p, long left) { return load(p, left); }
    static inline V get(const int8_t* p, long left) { return load(p, left); }
    static inline V add(V acc, V x, V w) { return mad(x, w, acc); }
};
template <> struct Step<bf16> {
    typedef bf16 X;
#if defined(WITH_AVX512) && defined(__AVX512BF16__)
    typedef __m512i Vec;
    static constexpr int LANES = 2 * L;
    static inline Vec get(const bf16* p, long left) {
        return left >= LANES ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi16((1u << left) - 1, p);
    }
    static inline V add(V acc, Vec x, Vec w) { return (V)_mm512_dpbf16_ps((__m512)acc, (__m512bh)x, (__m512bh)w); }
#elif defined(WITH_AVX512)
    typedef V Vec;
    static constexpr int LANES = L;
    static inline V get(const bf16* p, long left) { return load(p, left); }
    static inline V add(V acc, V x, V w) { return mad(x, w, acc); }
#else
    typedef VI Vec;  // pairs: a shift or a mask makes fp32 of one of the two, and nothing moves from lane to lane
    static constexpr int LANES = 2 * L;
    static inline VI get(const bf16* p, long left) { return raw<VI>(p, left); }
    static inline V low(VI pair) { return (V)(pair << 16); }
    static inline V high(VI pair) { return (V)(pair & -0x10000); }
    static inline V add(V acc, VI x, VI w) { return mad(high(x), high(w), mad(low(x), low(w), acc)); }
#endif
};

// The sum of a vector's lanes.
static inline float across(V v) {
    for (int width = L / 2; width; width /= 2)
        for (int l = 0; l < width; l++) v[l] = v[l] + v[l + width];
    return v[0];
}

// Sums of the lanes of L vectors, in the order of `across`: out[i] is the sum of acc[i].
static inline V fold(const V* acc) {
#if defined(WITH_AVX512)
    __m512 half[8], quarter[4], eighth[2];
    auto at = [&](int letter) { return (__m512)acc[letter % 4 * 4 + letter / 4]; };
    for (int i = 0; i < 8; i++) {
        __m512 a = at(2 * i), b = at(2 * i + 1);
        half[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    }
    for (int i = 0; i < 4; i++) {
        __m512 a = half[2 * i], b = half[2 * i + 1];
        quarter[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
    }
    for (int i = 0; i < 2; i++) {
        __m512 a = quarter[2 * i], b = quarter[2 * i + 1];
        eighth[i] = _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
    }
    return (V)_mm512_add_ps(_mm512_shuffle_ps(eighth[0], eighth[1], 0x88), _mm512_shuffle_ps(eighth[0], eighth[1], 0xdd));
#elif defined(WITH_AVX2)
    __m256 half[4], quarter[2];
    for (int i = 0; i < 4; i++) {  // beside each other: what is left of acc[i] and of acc[i + 4]
        __m256 a = (__m256)acc[i], b = (__m256)acc[i + 4];
        half[i] = _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
    }
    for (int i = 0; i < 2; i++) {
        __m256 a = half[2 * i], b = half[2 * i + 1];
        quarter[i] = _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee));
    }
    return (V)_mm256_add_ps(_mm256_shuffle_ps(quarter[0], quarter[1], 0x88), _mm256_shuffle_ps(quarter[0], quarter[1], 0xdd));
#else
    V out;
    for (int i = 0; i < L; i++) out[i] = across(acc[i]);
    return out;
#endif
}

// M rows of x with L / M rows of w (a step of `stride` numbers apart), L sums in all, into out[m][0 .. L / M).
template <class W, int M> static inline void tile(const typename Step<W>::X* const* x, const W* w, long stride, long last, long k, float* const* out) {
    typedef Step<W> S;
    constexpr int N = L / M;
    V acc[L] = {};
    const W* rows[N];
    for (int n = 0; n < N; n++) rows[n] = w + (n < last ? n : last) * stride;
    auto step = [&](long i, long left) {
        typename S::Vec xs[M];
        for (int m = 0; m < M; m++) xs[m] = S::get(x[m] + i, left);
        for (int n = 0; n < N; n++) {
            __builtin_prefetch(rows[n] + i + N * stride);  // what the next tile reads: memory is what a few rows wait for
            typename S::Vec ws = S::get(rows[n] + i, left);
            for (int m = 0; m < M; m++) acc[m * N + n] = S::add(acc[m * N + n], xs[m], ws);
        }
    };
    long i = 0;
    for (; i + S::LANES <= k; i += S::LANES) step(i, S::LANES);
    if (i < k) step(i, k - i);
    V sums = fold(acc);
    for (int m = 0; m < M; m++) std::memcpy(out[m], (float*)&sums + m * N, N * sizeof(float));
}

// `rows` rows of x with L rows of w, of which only 0 .. `last` exist; out[row] gets L sums (the last repeated).
template <class W> static inline void dots(const typename Step<W>::X* const* x, long rows, const W* w, long stride, long last, long k, float* const* out) {
    long r = 0;
    for (; r + 4 <= rows; r += 4)
        for (int n = 0; n < L; n += L / 4) {
            float* at[4] = {out[r] + n, out[r + 1] + n, out[r + 2] + n, out[r + 3] + n};
            long from = n < last ? n : last;
            tile<W, 4>(x + r, w + from * stride, stride, last - from, k, at);
        }
    for (; r + 2 <= rows; r += 2)
        for (int n = 0; n < L; n += L / 2) {
            float* at[2] = {out[r] + n, out[r + 1] + n};
            long from = n < last ? n : last;
            tile<W, 2>(x + r, w + from * stride, stride, last - from, k, at);
        }
    for (; r < rows; r++) tile<W, 1>(x + r, w, stride, last, k, out + r);
}

// e^x for x between -87 and 88, and what it is there for x beyond; within two units in the last place (Cephes' polynomial).
static inline V exponential(V x) {
    const V low = V{} - 87.0f, high = V{} + 88.0f;
    x = x < low ? low : x;
    x = x > high ? high : x;
    V n = x * 1.44269504f + 12582912.0f;  // rounds to an integer
    VI power = (VI)n - 0x4b400000;
    n = n - 12582912.0f;
    V r = n * -0.693359375f + x;
    r = n * 2.12194440e-4f + r;
    V p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    V scale = (V)((power + 127) << 23);
    return p * scale;
}

static inline V silu(V x) { return x / (exponential(-x) + 1.0f); }

template <class R, class T> static inline void store(T* y, R v, long count) {
    if (count == L) std::memcpy(y, &v, sizeof v);
    else std::memcpy(y, &v, count * sizeof(T));
}
static inline void keep(float* y, V v, long count) { store(y, v, count); }
static inline void keep(bf16* y, V v, long count) { store(y, narrow(v), count); }

constexpr long BAND = 64;  // rows that pass over a block of weights before the next block

template <class W, class Y>
static void product(const typename Step<W>::X* x, const W* w, const float* scale, Y* y, long rows, long wide_out, long wide_in) {
    long blocks = (wide_out + L - 1) / L;
#pragma omp parallel for schedule(static)
    for (long b = 0; b < blocks; b++) {
        long n = b * L, count = wide_out - n < L ? wide_out - n : L;
        V scales = scale ? load(scale + n, count) : V{} + 1.0f;
        for (long from = 0; from < rows; from += BAND) {
            long band = rows - from < BAND ? rows - from : BAND;
            alignas(64) float sums[BAND][L];
            const typename Step<W>::X* xs[BAND];
            float* out[BAND];
            for (long r = 0; r < band; r++) xs[r] = x + (from + r) * wide_in, out[r] = sums[r];
            dots<W>(xs, band, w + n * wide_in, wide_in, count - 1, wide_in, out);
            for (long r = 0; r < band; r++) keep(y + (from + r) * wide_out + n, load(sums[r], L) * scales, count);
        }
    }
}

// Pairs (row, choice) in the order of their experts.
struct Groups {
    std::vector<long> pair, begin;
    Groups(const int64_t* expert, long pairs, long experts) : pair(pairs), begin(experts + 1) {
        for (long p = 0; p < pairs; p++) begin[expert[p] + 1]++;
        for (long e = 0; e < experts; e++) begin[e + 1] += begin[e];
        std::vector<long> next(begin.begin(), begin.end() - 1);
        for (long p = 0; p < pairs; p++) pair[next[expert[p]]++] = p;
    }
};

// y[row] = sum over the row's chosen experts e, in the order of e, of gate * down_e (silu(gate_e x) * up_e x).
template <class W>
static void mixture(const typename Step<W>::X* x, const int64_t* expert, const float* gate, const W* gate_up, const float* scale_up,
                    const W* down, const float* scale_down, float* y, long rows, long chosen, long experts, long width, long hidden) {
    typedef typename Step<W>::X X;
    Groups groups(expert, rows * chosen, experts);
    std::vector<long> used;
    for (long e = 0; e < experts; e++)
        if (groups.begin[e + 1] > groups.begin[e]) used.push_back(e);
    std::vector<X> inner(rows * chosen * hidden);
    long blocks = (hidden + L - 1) / L, tasks = long(used.size()) * blocks;
#pragma omp parallel
    {
        alignas(64) float a[BAND][L], b[BAND][L];
        const X* xs[BAND];
        float *as[BAND], *bs[BAND];
        for (long r = 0; r < BAND; r++) as[r] = a[r], bs[r] = b[r];
#pragma omp for schedule(static)
        for (long task = 0; task < tasks; task++) {
            long e = used[task / blocks], n = task % blocks * L, count = hidden - n < L ? hidden - n : L;
            const W *top = gate_up + (2 * e * hidden + n) * width, *bottom = top + hidden * width;
            const float* scales = scale_up ? scale_up + 2 * e * hidden + n : nullptr;
            V up = scales ? load(scales, count) : V{} + 1.0f, low = scales ? load(scales + hidden, count) : V{} + 1.0f;
            for (long from = groups.begin[e]; from < groups.begin[e + 1]; from += BAND) {
                long band = groups.begin[e + 1] - from < BAND ? groups.begin[e + 1] - from : BAND;
                for (long r = 0; r < band; r++) xs[r] = x + groups.pair[from + r] / chosen * width;
                dots<W>(xs, band, top, width, count - 1, width, as);
                dots<W>(xs, band, bottom, width, count - 1, width, bs);
                for (long r = 0; r < band; r++)
                    keep(&inner[(from + r) * hidden + n], silu(load(a[r], L) * up) * (load(b[r], L) * low), count);
            }
        }
#pragma omp for schedule(static)
        for (long block = 0; block < (width + L - 1) / L; block++) {
            long n = block * L, count = width - n < L ? width - n : L;
            for (long r = 0; r < rows; r++) std::memset(y + r * width + n, 0, count * sizeof(float));
            for (long e : used) {
                V scales = scale_down ? load(scale_down + e * width + n, count) : V{} + 1.0f;
                for (long from = groups.begin[e]; from < groups.begin[e + 1]; from += BAND) {
                    long band = groups.begin[e + 1] - from < BAND ? groups.begin[e + 1] - from : BAND;
                    for (long r = 0; r < band; r++) xs[r] = &inner[(from + r) * hidden];
                    dots<W>(xs, band, down + (e * width + n) * hidden, hidden, count - 1, hidden, as);
                    for (long r = 0; r < band; r++) {
                        long pair = groups.pair[from + r];
                        float* to = y + pair / chosen * width + n;
                        keep(to, load(to, count) + load(a[r], L) * scales * gate[pair], count);
                    }
                }
            }
        }
    }
}

// The values of the places seen, times the weights of M rows, N vectors of a value at once.
template <int M, int N, class T> static inline void weigh(const float* weights, long capacity, const std::vector<long>& seen, const T* v, long stride, long left, const float* total, float* const* out, long d) {
    V acc[M][N] = {};
    for (long from : seen)
        for (long i = from; i < from + L; i++)
            for (int n = 0; n < N; n++) {
                V value = load(v + i * stride + d + n * L, N > 1 ? L : left);
                for (int m = 0; m < M; m++) acc[m][n] = mad(V{} + weights[m * capacity + i], value, acc[m][n]);
            }
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) keep(out[m] + d + n * L, total[m] > 0 ? acc[m][n] / total[m] : V{}, N > 1 || left > L ? L : left);
}

// The same over the whole width of the values.
template <int M, class T> static inline void values(const float* weights, long capacity, const std::vector<long>& seen, const T* v, long stride, long wide, const float* total, float* const* out) {
    constexpr int N = M == 4 ? 2 : 4;  // a cache line of each value and more, and eight sums in registers
    long d = 0;
    for (; d + N * L <= wide; d += N * L) weigh<M, N>(weights, capacity, seen, v, stride, L, total, out, d);
    for (; d < wide; d += L) weigh<M, 1>(weights, capacity, seen, v, stride, wide - d, total, out, d);
}

// Scores become weights e^(score - the largest); returns their sum.
static inline float soften(float* row, const std::vector<long>& seen) {
    const V none = V{} - INFINITY;
    V most = none, sum = {};
    for (long from : seen) {
        V s = load(row + from, L);
        most = s > most ? s : most;
    }
    float top = -INFINITY;
    for (int i = 0; i < L; i++) top = most[i] > top ? most[i] : top;
    for (long from : seen) {
        V s = load(row + from, L), p = exponential(s - top);
        p = s > none ? p : V{};
        sum = sum + p;
        keep(row + from, p, L);
    }
    return across(sum);
}

// At most four query rows of one session and one key/value head: scores by blocks of L places, a softmax, the values.
// The places lie `stride` numbers apart. A block that none of the rows sees is left out: its terms would be exact zeros.
template <class T>
static void attend(const T* const* q, const T* const* mask, long rows, const T* k, const T* v, long stride, long capacity, long wide, float* const* out, float* weights) {
    const float factor = 1.0f / std::sqrt(float(wide));
    std::vector<long> seen;
    for (long from = 0; from < capacity; from += L) {
        VI open = {};
        float* at[4];
        for (long r = 0; r < rows; r++) {
            at[r] = weights + r * capacity + from;
            open |= load(mask[r] + from, L) > V{} - INFINITY;
        }
        if (!any(open)) continue;
        seen.push_back(from);
        dots<T>((const typename Step<T>::X* const*)q, rows, k + from * stride, stride, L - 1, wide, at);
        for (long r = 0; r < rows; r++) keep(at[r], load(at[r], L) * factor + load(mask[r] + from, L), L);
    }
    float total[4];
    for (long r = 0; r < rows; r++) total[r] = soften(weights + r * capacity, seen);
    long r = 0;
    for (; r + 4 <= rows; r += 4) values<4>(weights + r * capacity, capacity, seen, v, stride, wide, total + r, out + r);
    for (; r + 2 <= rows; r += 2) values<2>(weights + r * capacity, capacity, seen, v, stride, wide, total + r, out + r);
    for (; r < rows; r++) values<1>(weights + r * capacity, capacity, seen, v, stride, wide, total + r, out + r);
}

// q, y [batch, n, heads, wide]; ring: places of [2 groups, wide], `session` numbers from one session to the next, in the
// order of `rows_of` if given; mask [batch, lines, capacity], a line a position and head of a group.
template <class T>
static void live(const T* q, const T* ring, const int64_t* rows_of, const T* mask, T* y, long batch, long n, long heads, long groups, long capacity, long wide, long session, long lines) {
    long share = heads / groups, rows = n * share, fours = (rows + 3) / 4;
#pragma omp parallel
    {
        std::vector<float> weights(4 * capacity), sums(4 * (wide + L));
#pragma omp for schedule(static)
        for (long task = 0; task < batch * groups * fours; task++) {
            long b = task / fours / groups, g = task / fours % groups, from = task % fours * 4, count = rows - from < 4 ? rows - from : 4;
            const T *qs[4], *sees[4];
            float* out[4];
            long at[4];
            for (long r = 0; r < count; r++) {
                at[r] = ((b * n + (from + r) / share) * heads + g * share + (from + r) % share) * wide;
                qs[r] = q + at[r];
                sees[r] = mask + (b * lines + from + r) * capacity;
                out[r] = &sums[r * (wide + L)];
            }
            const T* k = ring + (rows_of ? long(rows_of[b]) : b) * session + g * wide;
            attend<T>(qs, sees, count, k, k + groups * wide, 2 * groups * wide, capacity, wide, out, weights.data());
            for (long r = 0; r < count; r++)
                for (long d = 0; d < wide; d += L) keep(y + at[r] + d, load(out[r] + d, wide - d), wide - d < L ? wide - d : L);
        }
    }
}

// One over the root of a row's mean square.
template <class T> static inline float scale_of(const T* x, float eps, long wide) {
    V sum = {};
    for (long i = 0; i < wide; i += L) {
        V v = load(x + i, wide - i);
        sum = mad(v, v, sum);
    }
    return 1.0f / std::sqrt(across(sum) / float(wide) + eps);
}

// Rows of `kinds` kinds in turn, each kind with its own weights.
static void rms(const float* x, const float* weight, float eps, float* y, long rows, long kinds, long wide) {
    for (long r = 0; r < rows; r++) {
        float factor = scale_of(x + r * wide, eps, wide);
        const float* w = weight + r % kinds * wide;
        for (long i = 0; i < wide; i += L)
            keep(y + r * wide + i, load(x + r * wide + i, wide - i) * factor * load(w + i, wide - i), wide - i < L ? wide - i : L);
    }
}

// Of the heads of a position the first `some` normalised and rotated, the others as they are; half a head is a multiple of L.
template <class T>
static void rotated(const T* y, const float* weight, float eps, const float* cosine, const float* sine, T* z, long positions, long heads, long some, long wide) {
    for (long p = 0; p < positions; p++, y += heads * wide, z += heads * wide, cosine += wide, sine += wide) {
        for (long h = 0; h < some; h++) {
            const T* from = y + h * wide;
            const float* w = weight + h * wide;
            const float factor = scale_of(from, eps, wide);
            auto normal = [&](long i) { return load(from + i, L) * factor * load(w + i, L); };
            for (long i = 0; i < wide; i += L)
                keep(z + h * wide + i, mad(normal((i + wide / 2) % wide), load(sine + i, L), normal(i) * load(cosine + i, L)), L);
        }
        std::memcpy(z + some * wide, y + some * wide, (heads - some) * wide * sizeof(T));
    }
}

// silu of the first half of a row times the second.
template <class T> static void halves(const T* y, T* z, long rows, long wide) {
    for (long r = 0; r < rows; r++, y += 2 * wide, z += wide)
        for (long i = 0; i < wide; i += L) keep(z + i, silu(load(y + i, L)) * load(y + wide + i, L), L);
}

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

void linear(int kind, const void* x, const void* w, const float* scale, void* y, int narrow_y, long rows, long wide_out, long wide_in) {
    if (kind == FP32) product<float, float>((const float*)x, (const float*)w, scale, (float*)y, rows, wide_out, wide_in);
    else if (kind == INT8) product<int8_t, float>((const float*)x, (const int8_t*)w, scale, (float*)y, rows, wide_out, wide_in);
    else if (narrow_y) product<bf16, bf16>((const bf16*)x, (const bf16*)w, scale, (bf16*)y, rows, wide_out, wide_in);
    else product<bf16, float>((const bf16*)x, (const bf16*)w, scale, (float*)y, rows, wide_out, wide_in);
}

void experts(int kind, const void* x, const int64_t* expert, const float* gate, const void* gate_up, const float* scale_up, const void* down,
             const float* scale_down, float* y, long rows, long chosen, long experts, long width, long hidden) {
    if (kind == FP32)
        mixture<float>((const float*)x, expert, gate, (const float*)gate_up, scale_up, (const float*)down, scale_down, y, rows, chosen, experts, width, hidden);
    else if (kind == INT8)
        mixture<int8_t>((const float*)x, expert, gate, (const int8_t*)gate_up, scale_up, (const int8_t*)down, scale_down, y, rows, chosen, experts, width, hidden);
    else
        mixture<bf16>((const bf16*)x, expert, gate, (const bf16*)gate_up, scale_up, (const bf16*)down, scale_down, y, rows, chosen, experts, width, hidden);
}

void attention(int kind, const void* q, const void* ring, const int64_t* rows, const void* mask, void* y, long batch, long n, long heads, long groups, long capacity, long wide, long session, long lines) {
    if (kind == FP32) live<float>((const float*)q, (const float*)ring, rows, (const float*)mask, (float*)y, batch, n, heads, groups, capacity, wide, session, lines);
    else live<bf16>((const bf16*)q, (const bf16*)ring, rows, (const bf16*)mask, (bf16*)y, batch, n, heads, groups, capacity, wide, session, lines);
}

void turn(int kind, const void* y, const float* weight, float eps, const float* cosine, const float* sine, void* z, long positions, long heads, long some, long wide) {
    if (kind == FP32) rotated((const float*)y, weight, eps, cosine, sine, (float*)z, positions, heads, some, wide);
    else rotated((const bf16*)y, weight, eps, cosine, sine, (bf16*)z, positions, heads, some, wide);
}

void gate(int kind, const void* y, void* z, long rows, long wide) {
    if (kind == FP32) halves((const float*)y, (float*)z, rows, wide);
    else halves((const bf16*)y, (bf16*)z, rows, wide);
}

void norm(const float* x, const float* weight, float eps, float* y, long rows, long kinds, long wide) {
    rms(x, weight, eps, y, rows, kinds, wide);
}
}
