// Attention over a ring of places. Scores are made by `dots`, which sums each in one order, whatever the number of rows or the
// tile: lane l of one vector takes the terms l, l + COUNT, ... in turn (in bf16 it takes them in pairs), then the upper half of
// the lanes is added to the lower until one is left.
#pragma once

#include "vectors.h"

// What one step of the sum takes in: COUNT numbers of a row of x or of w.
template <class T> struct Lanes {
    typedef V Vec;
    static constexpr int COUNT = L;
    static inline V get(const float* p, long left) { return load(p, left); }
    static inline V add(V acc, V x, V w) { return mad(x, w, acc); }
};
template <> struct Lanes<bf16> {
#if defined(WITH_AVX512) && defined(__AVX512BF16__)
    typedef __m512i Vec;
    static constexpr int COUNT = 2 * L;
    static inline Vec get(const bf16* p, long left) {
        return left >= COUNT ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi16((1u << left) - 1, p);
    }
    static inline V add(V acc, Vec x, Vec w) { return (V)_mm512_dpbf16_ps((__m512)acc, (__m512bh)x, (__m512bh)w); }
#elif defined(WITH_AVX512)
    typedef V Vec;
    static constexpr int COUNT = L;
    static inline V get(const bf16* p, long left) { return load(p, left); }
    static inline V add(V acc, V x, V w) { return mad(x, w, acc); }
#else
    typedef VI Vec;  // pairs: a shift or a mask makes fp32 of one of the two, and nothing moves from lane to lane
    static constexpr int COUNT = 2 * L;
    static inline VI get(const bf16* p, long left) { return raw<VI>(p, left); }
    static inline V low(VI pair) { return (V)(pair << 16); }
    static inline V high(VI pair) { return (V)(pair & -0x10000); }
    static inline V add(V acc, VI x, VI w) { return mad(high(x), high(w), mad(low(x), low(w), acc)); }
#endif
};

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
template <class W, int M> static inline void dot(const W* const* x, const W* w, long stride, long last, long k, float* const* out) {
    typedef Lanes<W> S;
    constexpr int N = L / M;
    V acc[L] = {};
    const W* rows[N];
    for (int n = 0; n < N; n++) rows[n] = w + (n < last ? n : last) * stride;
    auto step = [&](long i, long left) __attribute__((always_inline)) {
        typename S::Vec xs[M];
        for (int m = 0; m < M; m++) xs[m] = S::get(x[m] + i, left);
#pragma GCC unroll 16
        for (int n = 0; n < N; n++) {
            __builtin_prefetch(rows[n] + i + N * stride);  // what the next tile reads: memory is what a few rows wait for
            typename S::Vec ws = S::get(rows[n] + i, left);
#pragma GCC unroll 4
            for (int m = 0; m < M; m++) acc[m * N + n] = S::add(acc[m * N + n], xs[m], ws);
        }
    };
    long i = 0;
    for (; i + S::COUNT <= k; i += S::COUNT) step(i, S::COUNT);
    if (i < k) step(i, k - i);
    V parts[L];
    take<L>(acc, parts);
    V sums = fold(parts);
    for (int m = 0; m < M; m++) std::memcpy(out[m], (float*)&sums + m * N, N * sizeof(float));
}

// `rows` rows of x with L rows of w, of which only 0 .. `last` exist; out[row] gets L sums (the last repeated).
template <class W> static inline void dots(const W* const* x, long rows, const W* w, long stride, long last, long k, float* const* out) {
    long r = 0;
    for (; r + 4 <= rows; r += 4)
        for (int n = 0; n < L; n += L / 4) {
            float* at[4] = {out[r] + n, out[r + 1] + n, out[r + 2] + n, out[r + 3] + n};
            long from = n < last ? n : last;
            dot<W, 4>(x + r, w + from * stride, stride, last - from, k, at);
        }
    for (; r + 2 <= rows; r += 2)
        for (int n = 0; n < L; n += L / 2) {
            float* at[2] = {out[r] + n, out[r + 1] + n};
            long from = n < last ? n : last;
            dot<W, 2>(x + r, w + from * stride, stride, last - from, k, at);
        }
    for (; r < rows; r++) dot<W, 1>(x + r, w, stride, last, k, out + r);
}

// L places side by side from place `first` on, of which `count` are there.
template <class T> struct Block {
    const T* keys;
    long first, count;
};

// The values of all places, times the weights of M rows, N vectors of a value at once.
template <int M, int N, class T> static inline void weigh(const float* weights, long room, const std::vector<Block<T>>& blocks, long to_values, long stride, long left, const float* total, float* const* out, long d) {
    V acc[M][N] = {};
    for (size_t j = 0; j < blocks.size(); j++)
        for (long i = 0; i < blocks[j].count; i++)
#pragma GCC unroll 4
            for (int n = 0; n < N; n++) {
                V value = load(blocks[j].keys + to_values + i * stride + d + n * L, N > 1 ? L : left);
#pragma GCC unroll 4
                for (int m = 0; m < M; m++) acc[m][n] = mad(all(weights[m * room + long(j) * L + i]), value, acc[m][n]);
            }
    V sums[M][N];
    take<M * N>(acc[0], sums[0]);
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) keep(out[m] + d + n * L, total[m] > 0 ? sums[m][n] / total[m] : V{}, N > 1 || left > L ? L : left);
}

// The same over the whole width of the values.
template <int M, class T> static inline void values(const float* weights, long room, const std::vector<Block<T>>& blocks, long to_values, long stride, long wide, const float* total, float* const* out) {
    constexpr int N = M == 4 ? 2 : 4;  // a cache line of each value and more, and eight sums in registers
    long d = 0;
    for (; d + N * L <= wide; d += N * L) weigh<M, N>(weights, room, blocks, to_values, stride, L, total, out, d);
    for (; d < wide; d += L) weigh<M, 1>(weights, room, blocks, to_values, stride, wide - d, total, out, d);
}

// Scores become weights e^(score - the largest); returns their sum, and in `top` the largest.
static inline float soften(float* row, long count, float& top) {
    const V none = all(-INFINITY);
    V most = none, sum = {};
    for (long i = 0; i < count; i += L) {
        V s = load(row + i, L);
        most = s > most ? s : most;
    }
    top = -INFINITY;
    for (int i = 0; i < L; i++) top = most[i] > top ? most[i] : top;
    for (long i = 0; i < count; i += L) {
        V s = load(row + i, L), p = exponential(s - top);
        p = s > none ? p : V{};
        sum = sum + p;
        keep(row + i, p, L);
    }
    return across(sum);
}

constexpr size_t AHEAD_BLOCKS = 8;  // whole places are asked for so early: a block is a page, and the processor by itself looks ahead within one

// At most four query rows of one session and one key/value head: scores block by block, a softmax, the values. The places lie
// `stride` numbers apart, values `to_values` behind their keys. `sees(row, block, scores)` puts minus infinity where a row does
// not look: such a place adds an exact zero, so a block that nobody sees may as well be left out. In `logs`, if given, the
// logarithms of the sums of e^score.
template <class T, class Sees>
static void attend(const T* const* q, long rows, const std::vector<Block<T>>& blocks, Sees sees, long to_values, long stride, long wide, float* const* out, float* logs, std::vector<float>& weights, bool ahead = false) {
    const float factor = 1.0f / std::sqrt(float(wide));
    const long room = long(blocks.size()) * L;
    weights.resize(4 * room);
    for (size_t j = 0; j < blocks.size(); j++) {
        float* at[4];
        for (long r = 0; r < rows; r++) at[r] = &weights[r * room + long(j) * L];
        if (ahead && j + AHEAD_BLOCKS < blocks.size())
            for (long i = 0; i < L * stride; i += 64 / long(sizeof(T))) __builtin_prefetch(blocks[j + AHEAD_BLOCKS].keys + i, 0, 2);
        dots<T>(q, rows, blocks[j].keys, stride, blocks[j].count - 1, wide, at);
        for (long r = 0; r < rows; r++) keep(at[r], sees(r, blocks[j], load(at[r], L) * factor), L);
    }
    float total[4], top;
    for (long r = 0; r < rows; r++) {
        total[r] = soften(&weights[r * room], room, top);
        if (logs) logs[r] = top + std::log(total[r]);
    }
    long r = 0;
    auto from = [&](long r) { return weights.data() + r * room; };
    for (; r + 4 <= rows; r += 4) values<4>(from(r), room, blocks, to_values, stride, wide, total + r, out + r);
    for (; r + 2 <= rows; r += 2) values<2>(from(r), room, blocks, to_values, stride, wide, total + r, out + r);
    for (; r < rows; r++) values<1>(from(r), room, blocks, to_values, stride, wide, total + r, out + r);
}

// All rows of a session's n positions, four at a time: rows r = position * share + head of the group. `with(b, g, from, count,
// qs)` attends for the rows from `from` on and returns where their sums lie; q and y [batch, n, heads, wide], q's positions
// `q_stride` numbers apart.
template <class T, class With>
static void by_fours(const T* q, long q_stride, T* y, long batch, long n, long heads, long groups, long wide, With with) {
    const long share = heads / groups, rows = n * share, fours = (rows + 3) / 4;
#pragma omp parallel
    {
        std::vector<float> weights, sums(4 * (wide + L));
        float* out[4] = {&sums[0], &sums[wide + L], &sums[2 * (wide + L)], &sums[3 * (wide + L)]};
#pragma omp for schedule(dynamic, 16)
        for (long task = 0; task < batch * groups * fours; task++) {
            const long b = task / fours / groups, g = task / fours % groups, from = task % fours * 4, count = rows - from < 4 ? rows - from : 4;
            const T* qs[4];
            for (long r = 0; r < count; r++) qs[r] = q + (b * n + (from + r) / share) * q_stride + (g * share + (from + r) % share) * wide;
            with(b, g, from, count, qs, out, weights);
            for (long r = 0; r < count; r++) {
                T* to = y + ((b * n + (from + r) / share) * heads + g * share + (from + r) % share) * wide;
                for (long d = 0; d < wide; d += L) keep(to + d, load(out[r] + d, wide - d), wide - d < L ? wide - d : L);
            }
        }
    }
}

// Positions appended to rings: places of [2 groups, wide], `session` numbers from one session to the next, in the order of
// `rows_of` if given; mask [batch, lines, capacity], a line a position and head of a group.
template <class T>
static void live(const T* q, long q_stride, const T* ring, const int64_t* rows_of, const T* mask, T* y, long batch, long n, long heads, long groups, long capacity, long wide, long session, long lines) {
    by_fours(q, q_stride, y, batch, n, heads, groups, wide, [&](long b, long g, long from, long count, const T* const* qs, float* const* out, std::vector<float>& weights) {
        const T *k = ring + (rows_of ? long(rows_of[b]) : b) * session + g * wide, *line = mask + (b * lines + from) * capacity;
        std::vector<Block<T>> blocks;
        for (long place = 0; place < capacity; place += L) {
            VI open = {};
            for (long r = 0; r < count; r++) open |= load(line + r * capacity + place, L) > all(-INFINITY);
            if (!any(open)) continue;
            blocks.push_back({k + place * 2 * groups * wide, place, L});
        }
        auto sees = [&](long r, const Block<T>& block, V scores) { return scores + load(line + r * capacity + block.first, L); };
        attend<T>(qs, count, blocks, sees, groups * wide, 2 * groups * wide, wide, out, nullptr, weights, g == 0 && from == 0);
    });
}

constexpr long SINK = 1L << 30;  // as the first place of the block that holds the sink alone

static inline VI ramp() {
    VI v;
    for (int l = 0; l < L; l++) v[l] = l;
    return v;
}
static inline V where(VI seen, V scores) { return seen ? scores : all(-INFINITY); }

// Whole sequences: each position sees `window` positions up to itself, then the sink if there is one, keys and
// values as in a place of a ring. The order of the sums is that of a ring of `laps` places, a multiple of L, to which they were appended: the present
// lap's positions first. qkv [batch, n, heads + 2 groups, wide]; y [batch, n, heads, wide]; logs [batch, n, heads].
template <class T>
static void whole(const T* qkv, const T* sink, T* y, float* logs, long batch, long n, long heads, long groups, long wide, long window, long laps) {
    const long share = heads / groups, stride = (heads + 2 * groups) * wide;
    by_fours(qkv, stride, y, batch, n, heads, groups, wide, [&](long b, long g, long from, long count, const T* const* qs, float* const* out, std::vector<float>& weights) {
        const T* k = qkv + b * n * stride + (heads + g) * wide;
        const long newest = (from + count - 1) / share, oldest = from / share - window + 1 > 0 ? from / share - window + 1 : 0;
        const long lap = from / share / laps * laps;
        std::vector<Block<T>> blocks;
        auto add = [&](long begin, long end) {
            for (long p = begin / L * L; p < end; p += L) blocks.push_back({k + p * stride, p, n - p < L ? n - p : L});
        };
        add(lap > oldest ? lap : oldest, newest + 1);
        add(oldest, lap);
        if (sink) blocks.push_back({sink + g * wide, SINK, 1});
        auto sees = [&](long r, const Block<T>& block, V scores) {
            const long at = (from + r) / share;
            if (block.first > at - window && block.first + L <= at + 1) return scores;
            const VI place = ramp() + int(block.first);
            return block.first == SINK ? where(ramp() == 0, scores) : where((place <= int(at)) & (place > int(at - window)), scores);
        };
        float tops[4];
        attend<T>(qs, count, blocks, sees, groups * wide, stride, wide, out, logs ? tops : nullptr, weights);
        for (long r = 0; logs && r < count; r++) logs[(b * n + (from + r) / share) * heads + g * share + (from + r) % share] = tops[r];
    });
}

// Scores of `total` rows, `rows` of each key/value head, `share` of each position, become weights: in place, e^(score - the largest), 0
// where a row does not look. A row's own column is `ahead` of its position; it sees `window` columns up to that, and the sink, whose
// scores are `sinks` if there is one. `sums` are theirs, `logs` the logarithms of the sums of e^score.
template <class T>
static void softened(T* scores, const float* sinks, float* sums, float* logs, long total, long rows, long columns, long share, long ahead, long window, float factor) {
#pragma omp parallel for schedule(static)
    for (long r = 0; r < total; r++) {
        const int at = int(r % rows / share + ahead);
        T* row = scores + r * columns;
        const float sink = sinks ? sinks[r] * factor : -INFINITY;
        const long begin = at - window + 1 > 0 ? (at - window + 1) / L * L : 0;
        auto seen = [&](long c, long left) {
            const VI place = ramp() + int(c);
            return where((place <= at) & (place > at - int(window)), load(row + c, left) * factor);
        };
        V most = all(sink), sum = {};
        for (long c = begin; c <= at; c += L) {
            const V s = seen(c, columns - c);
            most = s > most ? s : most;
        }
        float top = most[0];
        for (int i = 1; i < L; i++) top = most[i] > top ? most[i] : top;
        for (long c = 0; c < columns; c += L) {
            const long left = columns - c < L ? columns - c : L;
            if (c < begin || c > at) {
                keep(row + c, V{}, left);
                continue;
            }
            const V s = seen(c, columns - c), p = s > all(-INFINITY) ? exponential(s - top) : V{};
            sum = sum + p;
            keep(row + c, p, left);
        }
        sums[r] = across(sum) + std::exp(sink - top);
        logs[r] = top + std::log(sums[r]);
    }
}

// Backward through the same: scores become weights, the weights' gradients those of the scores.
template <class T>
static void unsoftened(T* scores, T* grads, const float* logs, const float* pulled, long total, long rows, long columns, long share, long ahead, long window, float factor) {
#pragma omp parallel for schedule(static)
    for (long r = 0; r < total; r++) {
        const int at = int(r % rows / share + ahead);
        for (long c = 0; c < columns; c += L) {
            const long left = columns - c, count = left < L ? left : L;
            const VI place = ramp() + int(c), seen = (place <= at) & (place > at - int(window));
            const V p = exponential(load(scores + r * columns + c, left) * factor - logs[r]), weight = seen ? p : V{};
            keep(scores + r * columns + c, weight, count);
            keep(grads + r * columns + c, (load(grads + r * columns + c, left) - pulled[r]) * weight * factor, count);
        }
    }
}
