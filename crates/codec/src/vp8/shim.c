/* A small face over libvpx's VP8. No struct of libvpx crosses to Rust, so that their layout may be another one in the
 * next version and on the next system. What crosses is declared here and again in vpx.rs.
 *
 * Every function that can fail gives 0, or libvpx's vpx_codec_err_t, or one of the codes below. */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

/* libvpx gave no frame, or several, for one picture. */
#define KONSIL_VP8_NOT_ONE_FRAME 101
/* What was decoded has another form than 8 bits in 4:2:0. */
#define KONSIL_VP8_OTHER_FORM 102
/* Bytes are missing, or are not those that were encoded. */
#define KONSIL_VP8_DAMAGED 103

/* Mirrored by `Settings` in vpx.rs. */
typedef struct {
  uint32_t width, height;
  uint32_t kilobits_per_second;
  uint32_t min_quantizer, max_quantizer;
  uint32_t key_frame_percent;
  uint32_t static_threshold;
  uint32_t token_partitions;
  int32_t cpu_used;
  int32_t screen_content;
} konsil_vp8_settings;

/* Mirrored by `Planes` in vpx.rs. */
typedef struct {
  const uint8_t *bytes[3];
  int32_t strides[3];
  uint32_t width, height;
} konsil_vp8_planes;

typedef struct {
  vpx_codec_ctx_t codec;
  vpx_codec_enc_cfg_t settings;
} konsil_vp8_encoder;

typedef struct {
  vpx_codec_ctx_t codec;
} konsil_vp8_decoder;

static int controls(vpx_codec_ctx_t *codec, const konsil_vp8_settings *asked) {
  vpx_codec_err_t failed;
  if ((failed = vpx_codec_control(codec, VP8E_SET_CPUUSED, asked->cpu_used))) return failed;
  if ((failed = vpx_codec_control(codec, VP8E_SET_NOISE_SENSITIVITY, 0))) return failed;
  if ((failed = vpx_codec_control(codec, VP8E_SET_STATIC_THRESHOLD, asked->static_threshold))) return failed;
  if ((failed = vpx_codec_control(codec, VP8E_SET_TOKEN_PARTITIONS, (int)asked->token_partitions))) return failed;
  if ((failed = vpx_codec_control(codec, VP8E_SET_MAX_INTRA_BITRATE_PCT, asked->key_frame_percent))) return failed;
  return vpx_codec_control(codec, VP8E_SET_SCREEN_CONTENT_MODE, (unsigned)asked->screen_content);
}

int konsil_vp8_encoder_new(const konsil_vp8_settings *asked, konsil_vp8_encoder **made) {
  vpx_codec_err_t failed;
  konsil_vp8_encoder *encoder = calloc(1, sizeof *encoder);
  if (!encoder) return VPX_CODEC_MEM_ERROR;
  vpx_codec_enc_cfg_t *settings = &encoder->settings;
  if ((failed = vpx_codec_enc_config_default(vpx_codec_vp8_cx(), settings, 0))) {
    free(encoder);
    return failed;
  }
  settings->g_w = asked->width;
  settings->g_h = asked->height;
  settings->g_timebase.num = 1;
  settings->g_timebase.den = 90000;
  settings->g_threads = 1;
  settings->g_pass = VPX_RC_ONE_PASS;
  settings->g_lag_in_frames = 0;
  settings->g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
  settings->rc_end_usage = VPX_CBR;
  settings->rc_target_bitrate = asked->kilobits_per_second;
  settings->rc_min_quantizer = asked->min_quantizer;
  settings->rc_max_quantizer = asked->max_quantizer;
  settings->rc_dropframe_thresh = 0;
  settings->rc_resize_allowed = 0;
  settings->rc_undershoot_pct = 100;
  settings->rc_overshoot_pct = 15;
  /* Milliseconds of the bit rate. */
  settings->rc_buf_initial_sz = 500;
  settings->rc_buf_optimal_sz = 600;
  settings->rc_buf_sz = 1000;
  settings->kf_mode = VPX_KF_AUTO;
  settings->kf_min_dist = 0;
  settings->kf_max_dist = INT_MAX;
  /* A failed vpx_codec_enc_init leaves nothing to be destroyed. */
  if ((failed = vpx_codec_enc_init(&encoder->codec, vpx_codec_vp8_cx(), settings, 0))) {
    free(encoder);
    return failed;
  }
  if ((failed = controls(&encoder->codec, asked))) {
    (void)vpx_codec_destroy(&encoder->codec);
    free(encoder);
    return failed;
  }
  *made = encoder;
  return 0;
}

/* The bit rate, and how many times an average frame a key frame may have, in percent. */
int konsil_vp8_encoder_rate(konsil_vp8_encoder *encoder, uint32_t kilobits_per_second, uint32_t key_frame_percent) {
  vpx_codec_err_t failed;
  encoder->settings.rc_target_bitrate = kilobits_per_second;
  if ((failed = vpx_codec_enc_config_set(&encoder->codec, &encoder->settings))) return failed;
  return vpx_codec_control(&encoder->codec, VP8E_SET_MAX_INTRA_BITRATE_PCT, key_frame_percent);
}

/* The bytes are the encoder's and good until its next call. Odd sizes: the planes of color have (width + 1) / 2 columns
 * and (height + 1) / 2 rows; libvpx reads no more than that and pads to whole macroblocks in memory of its own, by the
 * last column and row. */
int konsil_vp8_encoder_encode(konsil_vp8_encoder *encoder, const konsil_vp8_planes *planes, int64_t time,
                              uint32_t duration, int32_t force_key, const uint8_t **bytes, size_t *length,
                              int32_t *key) {
  vpx_codec_err_t failed;
  vpx_image_t image;
  if (planes->width != encoder->settings.g_w || planes->height != encoder->settings.g_h) return VPX_CODEC_INVALID_PARAM;
  if (!vpx_img_wrap(&image, VPX_IMG_FMT_I420, planes->width, planes->height, 1, (unsigned char *)planes->bytes[0]))
    return VPX_CODEC_INVALID_PARAM;
  for (int n = 0; n < 3; n++) {
    image.planes[n] = (unsigned char *)planes->bytes[n];
    image.stride[n] = planes->strides[n];
  }
  failed = vpx_codec_encode(&encoder->codec, &image, time, duration, force_key ? VPX_EFLAG_FORCE_KF : 0,
                            VPX_DL_REALTIME);
  if (failed) return failed;
  int frames = 0;
  vpx_codec_iter_t place = NULL;
  const vpx_codec_cx_pkt_t *packet;
  while ((packet = vpx_codec_get_cx_data(&encoder->codec, &place)) != NULL) {
    if (packet->kind != VPX_CODEC_CX_FRAME_PKT) continue;
    *bytes = packet->data.frame.buf;
    *length = packet->data.frame.sz;
    *key = (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
    frames++;
  }
  return frames == 1 ? 0 : KONSIL_VP8_NOT_ONE_FRAME;
}

void konsil_vp8_encoder_free(konsil_vp8_encoder *encoder) {
  (void)vpx_codec_destroy(&encoder->codec);
  free(encoder);
}

int konsil_vp8_decoder_new(konsil_vp8_decoder **made) {
  vpx_codec_err_t failed;
  vpx_codec_dec_cfg_t settings = { .threads = 1, .w = 0, .h = 0 };
  konsil_vp8_decoder *decoder = calloc(1, sizeof *decoder);
  if (!decoder) return VPX_CODEC_MEM_ERROR;
  if ((failed = vpx_codec_dec_init(&decoder->codec, vpx_codec_vp8_dx(), &settings, 0))) {
    free(decoder);
    return failed;
  }
  *made = decoder;
  return 0;
}

/* The planes are the decoder's and good until its next call. Without a picture, which is a frame that is not for
 * showing, `shown` is 0. */
int konsil_vp8_decoder_decode(konsil_vp8_decoder *decoder, const uint8_t *bytes, uint32_t length,
                              konsil_vp8_planes *planes, int32_t *shown) {
  vpx_codec_err_t failed;
  int damaged = 0;
  *shown = 0;
  if ((failed = vpx_codec_decode(&decoder->codec, bytes, length, NULL, 0))) return failed;
  if ((failed = vpx_codec_control(&decoder->codec, VP8D_GET_FRAME_CORRUPTED, &damaged))) return failed;
  if (damaged) return KONSIL_VP8_DAMAGED;
  vpx_codec_iter_t place = NULL;
  const vpx_image_t *image = vpx_codec_get_frame(&decoder->codec, &place);
  if (!image) return 0;
  if (image->fmt != VPX_IMG_FMT_I420) return KONSIL_VP8_OTHER_FORM;
  for (int n = 0; n < 3; n++) {
    planes->bytes[n] = image->planes[n];
    planes->strides[n] = image->stride[n];
  }
  planes->width = image->d_w;
  planes->height = image->d_h;
  *shown = 1;
  return 0;
}

void konsil_vp8_decoder_free(konsil_vp8_decoder *decoder) {
  (void)vpx_codec_destroy(&decoder->codec);
  free(decoder);
}
