// The training operations that PyTorch does slowly on a CPU, on contiguous NHWC
// float32: depthwise convolution with its two gradients, batch normalisation
// fused with the activation after it, with its gradient, the large parts of
// squeeze-and-excite, and the augmentation of data.py with its normalisation. ops.py
// compiles this file and calls it; every function works on one thread.
//
// Shapes: x[N][H][W][C], y[N][OH][OW][C], depthwise kernels w[K*K][C], channel
// vectors [C]. C is a multiple of 8. Padding is K/2 on every side.

#include <math.h>
#include <string.h>

typedef float v8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef float v16 __attribute__((vector_size(64), aligned(4), may_alias));

#define LOAD(V, p) (*(const V *)(p))
#define STORE(V, p, v) (*(V *)(p) = (v))

// Calls f for each block of channels, 16 wide and at last perhaps 8.
#define BLOCKS(C, f, ...)                                 \
  do {                                                    \
    int c = 0;                                            \
    for (; c + 16 <= C; c += 16) f##_v16(c, __VA_ARGS__); \
    if (c < C) f##_v8(c, __VA_ARGS__);                    \
  } while (0)

// Sizes of one depthwise convolution.
typedef struct {
  int n, h, w, c, k, stride, oh, ow;
} Depthwise;

#define DEPTHWISE(V, K)                                                                                        \
  static inline void forward##K##_##V(int c, const Depthwise *d, const float *x, const float *w, float *y) {   \
    V taps[K * K];                                                                                             \
    for (int t = 0; t < K * K; t++) taps[t] = LOAD(V, w + t * d->c + c);                                       \
    for (int oy = 0; oy < d->oh; oy++)                                                                         \
      for (int ox = 0; ox < d->ow; ox++, y += d->c) {                                                          \
        V sum = {0};                                                                                           \
        const int y0 = oy * d->stride - K / 2, x0 = ox * d->stride - K / 2;                                    \
        for (int i = 0; i < K; i++) {                                                                          \
          if ((unsigned)(y0 + i) >= (unsigned)d->h) continue;                                                  \
          const float *row = x + ((y0 + i) * d->w + x0) * d->c + c;                                            \
          for (int j = 0; j < K; j++)                                                                          \
            if ((unsigned)(x0 + j) < (unsigned)d->w) sum += taps[i * K + j] * LOAD(V, row + j * d->c);         \
        }                                                                                                      \
        STORE(V, y + c, sum);                                                                                  \
      }                                                                                                        \
  }                                                                                                            \
  /* Adds to dx and dw. */                                                                                     \
  static inline void backward##K##_##V(int c, const Depthwise *d, const float *x, const float *w,              \
                                       const float *dy, float *dx, float *dw) {                                \
    V taps[K * K], sums[K * K];                                                                                \
    for (int t = 0; t < K * K; t++) taps[t] = LOAD(V, w + t * d->c + c), sums[t] = LOAD(V, dw + t * d->c + c); \
    for (int oy = 0; oy < d->oh; oy++)                                                                         \
      for (int ox = 0; ox < d->ow; ox++, dy += d->c) {                                                         \
        const V g = LOAD(V, dy + c);                                                                           \
        const int y0 = oy * d->stride - K / 2, x0 = ox * d->stride - K / 2;                                    \
        _Pragma("GCC unroll 5") for (int i = 0; i < K; i++) {                                                  \
          if ((unsigned)(y0 + i) >= (unsigned)d->h) continue;                                                  \
          const int row = ((y0 + i) * d->w + x0) * d->c + c;                                                   \
          _Pragma("GCC unroll 5") for (int j = 0; j < K; j++)                                                  \
            if ((unsigned)(x0 + j) < (unsigned)d->w) {                                                         \
              sums[i * K + j] += g * LOAD(V, x + row + j * d->c);                                              \
              STORE(V, dx + row + j * d->c, LOAD(V, dx + row + j * d->c) + g * taps[i * K + j]);               \
            }                                                                                                  \
        }                                                                                                      \
      }                                                                                                        \
    for (int t = 0; t < K * K; t++) STORE(V, dw + t * d->c + c, sums[t]);                                      \
  }

DEPTHWISE(v8, 3)
DEPTHWISE(v16, 3)
DEPTHWISE(v8, 5)
DEPTHWISE(v16, 5)

void depthwise_forward(const Depthwise *d, const float *x, const float *w, float *y) {
  const long in = (long)d->h * d->w * d->c, out = (long)d->oh * d->ow * d->c;
  for (int n = 0; n < d->n; n++, x += in, y += out) {
    if (d->k == 3)
      BLOCKS(d->c, forward3, d, x, w, y);
    else
      BLOCKS(d->c, forward5, d, x, w, y);
  }
}

void depthwise_backward(const Depthwise *d, const float *x, const float *w, const float *dy, float *dx, float *dw) {
  const long in = (long)d->h * d->w * d->c, out = (long)d->oh * d->ow * d->c;
  memset(dw, 0, sizeof(float) * d->k * d->k * d->c);
  for (int n = 0; n < d->n; n++, x += in, dx += in, dy += out) {
    memset(dx, 0, sizeof(float) * in);
    if (d->k == 3)
      BLOCKS(d->c, backward3, d, x, w, dy, dx, dw);
    else
      BLOCKS(d->c, backward5, d, x, w, dy, dx, dw);
  }
}

enum { NONE, RELU, HARD_SWISH };

static inline float activate(float v, int act) {
  if (act == RELU) return v > 0 ? v : 0;
  if (act == HARD_SWISH) {
    float t = v + 3;
    t = t > 0 ? t : 0;
    t = t < 6 ? t : 6;
    return v * t * (1 / 6.0f);
  }
  return v;
}

static inline float slope(float v, int act) {
  if (act == RELU) return v > 0 ? 1 : 0;
  if (act == HARD_SWISH) {
    float s = (2 * v + 3) * (1 / 6.0f);
    s = v < -3 ? 0 : s;
    return v > 3 ? 1 : s;
  }
  return 1;
}

#define ROWS 64     // rows that are summed in float32 before a sum becomes a double
#define CHANNELS 1024

// Mean and variance (biased) over the rows of x[rows][C], around the first row, so
// that nothing cancels.
void batch_statistics(int rows, int C, const float *x, float *mean, float *variance) {
  double total[CHANNELS], squares[CHANNELS];
  float sum[CHANNELS], square[CHANNELS];
  memset(total, 0, sizeof total);
  memset(squares, 0, sizeof squares);
  const float *origin = x;
  for (int r = 0; r < rows; r += ROWS) {
    memset(sum, 0, sizeof sum);
    memset(square, 0, sizeof square);
    const int end = r + ROWS < rows ? r + ROWS : rows;
    for (int i = r; i < end; i++) {
      const float *p = x + (long)i * C;
      for (int c = 0; c < C; c++) {
        const float v = p[c] - origin[c];
        sum[c] += v;
        square[c] += v * v;
      }
    }
    for (int c = 0; c < C; c++) total[c] += sum[c], squares[c] += square[c];
  }
  for (int c = 0; c < C; c++) {
    const double m = total[c] / rows, v = squares[c] / rows - m * m;
    mean[c] = (float)(m + origin[c]);
    variance[c] = v > 0 ? (float)v : 0;
  }
}

#define EACH_ACTIVATION(call) \
  switch (act) {              \
    case RELU: call(RELU); break; \
    case HARD_SWISH: call(HARD_SWISH); break; \
    default: call(NONE);      \
  }

// y = activation(x * scale + shift)
void normalise_forward(int rows, int C, int act, const float *x, const float *scale, const float *shift, float *y) {
#define FORWARD(A)                                            \
  for (long r = 0; r < rows; r++)                             \
    for (int c = 0; c < C; c++) y[r * C + c] = activate(x[r * C + c] * scale[c] + shift[c], A)
  EACH_ACTIVATION(FORWARD)
}

// The gradient of normalise_forward after batch_statistics: dx, which may be dy, dgamma and dbeta.
// scale = gamma * inverse, shift = beta - mean * scale, inverse = 1 / sqrt(variance + eps).
void normalise_backward(int rows, int C, int act, const float *x, const float *dy, const float *scale, const float *shift,
                        const float *mean, const float *inverse, float *dx, float *dgamma, float *dbeta) {
  double total[CHANNELS], products[CHANNELS];
  float sum[CHANNELS], product[CHANNELS];
  memset(total, 0, sizeof total);
  memset(products, 0, sizeof products);
  for (int r = 0; r < rows; r += ROWS) {
    memset(sum, 0, sizeof sum);
    memset(product, 0, sizeof product);
    const int end = r + ROWS < rows ? r + ROWS : rows;
#define SUMS(A)                                                            \
  for (long i = r; i < end; i++)                                           \
    for (int c = 0; c < C; c++) {                                          \
      const float v = x[i * C + c];                                        \
      const float g = dy[i * C + c] * slope(v * scale[c] + shift[c], A);   \
      sum[c] += g;                                                         \
      product[c] += g * (v - mean[c]);                                     \
    }
    EACH_ACTIVATION(SUMS)
    for (int c = 0; c < C; c++) total[c] += sum[c], products[c] += product[c];
  }
  float a[CHANNELS], b[CHANNELS];
  for (int c = 0; c < C; c++) {
    dbeta[c] = (float)total[c];
    dgamma[c] = (float)(products[c] * inverse[c]);
    a[c] = (float)(total[c] / rows);
    b[c] = (float)(products[c] / rows) * inverse[c] * inverse[c];
  }
#define BACKWARD(A)                                                          \
  for (long i = 0; i < rows; i++)                                            \
    for (int c = 0; c < C; c++) {                                            \
      const float v = x[i * C + c];                                          \
      const float g = dy[i * C + c] * slope(v * scale[c] + shift[c], A);     \
      dx[i * C + c] = scale[c] * (g - a[c] - (v - mean[c]) * b[c]);          \
    }
  EACH_ACTIVATION(BACKWARD)
}

// sums[n][c] = factor * the sum over the pixels of x[n][pixels][C], times other where it is not null.
void channel_sums(int n, int pixels, int C, float factor, const float *x, const float *other, float *sums) {
  for (; n > 0; n--, x += (long)pixels * C, sums += C) {
    memset(sums, 0, sizeof(float) * C);
    for (int i = 0; i < pixels; i++)
      if (other)
        for (int c = 0; c < C; c++) sums[c] += x[(long)i * C + c] * other[(long)i * C + c];
      else
        for (int c = 0; c < C; c++) sums[c] += x[(long)i * C + c];
    for (int c = 0; c < C; c++) sums[c] *= factor;
    if (other) other += (long)pixels * C;
  }
}

// y = x[n][pixels][C] * scale[n][C] + shift[n][C]
void scale_channels(int n, int pixels, int C, const float *x, const float *scale, const float *shift, float *y) {
  for (; n > 0; n--, scale += C, shift += C)
    for (int i = 0; i < pixels; i++, x += C, y += C)
      for (int c = 0; c < C; c++) y[c] = x[c] * scale[c] + shift[c];
}

// Where an output pixel of a crop lies in the picture: between pixels a and b, share of b.
typedef struct {
  int a, b;
  float share;
} Tap;

static void taps(Tap *t, int size, int side, float scale, float centre) {
  for (int i = 0; i < size; i++) {
    const float at = (scale * ((2 * i + 1) / (float)size - 1) + centre + 1) * side / 2 - 0.5f;
    const float inside = fminf(fmaxf(at, 0), side - 1);
    t[i].a = (int)inside;
    t[i].b = t[i].a + 1 < side ? t[i].a + 1 : t[i].a;
    t[i].share = inside - t[i].a;
  }
}

#define SIDE 64     // of a picture of Tiny ImageNet
#define LARGEST 256 // size of an augmented picture

// data.augment and data.normalise: y[n][size][size][3] from pixels[n][SIDE][SIDE][3], with
// data.views' eight numbers for each picture.
void augment(int n, int size, const unsigned char *pixels, const float *views, const float *mean, const float *std, float *y) {
  static _Thread_local float picture[SIDE * SIDE * 3];
  float row[SIDE * 3];
  Tap xs[LARGEST], ys[LARGEST];
  for (; n > 0; n--, pixels += SIDE * SIDE * 3, views += 8) {
    const float brightness = views[0] / 255, contrast = views[1], saturation = views[2];
    long total = 0;
    for (int i = 0; i < SIDE * SIDE * 3; i++) total += pixels[i];
    const float middle = (float)total / (SIDE * SIDE * 3);
    for (int i = 0; i < SIDE * SIDE; i++) {
      const float grey = (pixels[i * 3] + pixels[i * 3 + 1] + pixels[i * 3 + 2]) / 3.0f;
      for (int c = 0; c < 3; c++) {
        const float v = grey + (pixels[i * 3 + c] - grey) * saturation;
        const float light = (middle + (v - middle) * contrast) * brightness;
        picture[i * 3 + c] = (fminf(fmaxf(light, 0), 1) - mean[c]) / std[c];
      }
    }
    taps(xs, size, SIDE, views[3], views[5]);
    taps(ys, size, SIDE, views[4], views[6]);
    for (int oy = 0; oy < size; oy++) {
      const float *upper = picture + ys[oy].a * SIDE * 3, *lower = picture + ys[oy].b * SIDE * 3;
      for (int i = 0; i < SIDE * 3; i++) row[i] = upper[i] + (lower[i] - upper[i]) * ys[oy].share;
      for (int ox = 0; ox < size; ox++, y += 3) {
        const float *left = row + xs[ox].a * 3, *right = row + xs[ox].b * 3;
        for (int c = 0; c < 3; c++) y[c] = left[c] + (right[c] - left[c]) * xs[ox].share;
      }
    }
  }
}
