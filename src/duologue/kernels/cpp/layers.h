// All layers of the trunk over a ring in one call, for a few positions: the same functions in the same order, so the same bits.
#pragma once

#include "attention.h"
#include "products.h"
#include "rows.h"

// Of one layer: the norms are fp32, the others panels of T.
template <class T> struct Layer {
    const float* norm;
    const T* joined;  // queries, keys, values
    const float* scales;
    const T* out;
    const float* second_norm;
    const T *gate_up, *down;
    explicit Layer(const void* const* w)
        : norm((const float*)w[0]), joined((const T*)w[1]), scales((const float*)w[2]), out((const T*)w[3]), second_norm((const float*)w[4]), gate_up((const T*)w[5]), down((const T*)w[6]) {}
};
constexpr long PARTS_OF_LAYER = 7;

struct Shape {
    long layers, batch, n, width, hidden, heads, groups, wide, capacity, session, lines;  // `session` numbers of a layer's ring in all
};

template <class T> struct Stack {
    const Shape s;
    const float eps, *cosine, *sine;
    const long rows = s.batch * s.n, joined = (s.heads + 2 * s.groups) * s.wide;
    std::vector<float> normal = std::vector<float>(rows * s.width);
    std::vector<T> in = std::vector<T>(rows * s.width), y = std::vector<T>(rows * joined), turned = y, heard = std::vector<T>(rows * s.heads * s.wide);
    std::vector<T> open = std::vector<T>(rows * 2 * s.hidden), gated = std::vector<T>(rows * s.hidden);

    void normalise(const float* x, const float* weight) {
        rms(x, weight, eps, normal.data(), rows, 1, s.width);
        for (long i = 0; i < rows * s.width; i += L) keep(in.data() + i, load(normal.data() + i, rows * s.width - i), std::min(rows * s.width - i, long(L)));
    }
    void add(float* x) {  // what the last product left in `in`
        for (long i = 0; i < rows * s.width; i += L) {
            const long left = rows * s.width - i;
            keep(x + i, load(x + i, left) + load(in.data() + i, left), std::min(left, long(L)));
        }
    }
    void layer(const Layer<T>& w, float* x, T* ring, const int64_t* place, const int64_t* rows_of, const T* mask) {
        normalise(x, w.norm);
        product(in.data(), w.joined, nullptr, y.data(), rows, joined, s.width);
        rotated(y.data(), w.scales, eps, cosine, sine, turned.data(), rows, s.heads + 2 * s.groups, s.heads + s.groups, s.wide);
        for (long r = 0; r < rows; r++) std::memcpy(ring + place[r] * 2 * s.groups * s.wide, &turned[r * joined + s.heads * s.wide], 2 * s.groups * s.wide * sizeof(T));
        live(turned.data(), joined, ring, rows_of, mask, heard.data(), s.batch, s.n, s.heads, s.groups, s.capacity, s.wide, s.capacity * 2 * s.groups * s.wide, s.lines);
        product(heard.data(), w.out, nullptr, in.data(), rows, s.width, s.heads * s.wide);
        add(x);
        normalise(x, w.second_norm);
        product(in.data(), w.gate_up, nullptr, open.data(), rows, 2 * s.hidden, s.width);
        halves(open.data(), gated.data(), rows, s.hidden);
        product(gated.data(), w.down, nullptr, in.data(), rows, s.width, s.hidden);
        add(x);
    }
};

// x [batch * n, width] goes through all layers; ring: the first layer's, `session` numbers before the next one's.
template <class T>
static void stack(const void* const* weights, float* x, float eps, const float* cosine, const float* sine, T* ring, const int64_t* place, const int64_t* rows_of, const T* mask, const Shape& shape) {
    Stack<T> all{shape, eps, cosine, sine};
    for (long l = 0; l < shape.layers; l++) all.layer(Layer<T>(weights + l * PARTS_OF_LAYER), x, ring + l * shape.session, place, rows_of, mask);
}
