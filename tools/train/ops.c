// The training operations that PyTorch does slowly on a CPU, on contiguous NHWC
// float32: depthwise convolution with its two gradients, and batch normalisation
// fused with the activation after it, with its gradient. ops.py compiles this file
// and calls it; every function works on one thread.
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

// The gradient of normalise_forward after batch_statistics: dx, dgamma and dbeta.
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
