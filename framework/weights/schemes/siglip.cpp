// SPDX-License-Identifier: Apache-2.0
// SigLIP: dime's names are open_clip's (a timm vision transformer with attention pooling, a text tower that is a
// module). Theirs are Hugging Face's of SiglipModel and of its towers, and timm's of the image tower alone.
#include "weights/schemes/schemes.hpp"

namespace dime::schemes {
namespace {

constexpr NameRule kHuggingFace[] = {
    {"logit_scale", "logit_scale", Change::reshaped},
    {"logit_bias", "logit_bias", Change::reshaped},
    {"vision_model.embeddings.position_ids", "", Change::dropped},
    {"vision_model.embeddings.patch_embedding.{}", "visual.trunk.patch_embed.proj.{}"},
    {"vision_model.embeddings.position_embedding.weight", "visual.trunk.pos_embed", Change::reshaped},
    rows_of_ours({0, 1, 3}, "vision_model.encoder.layers.{}.self_attn.q_proj.{}", "visual.trunk.blocks.{}.attn.qkv.{}"),
    rows_of_ours({1, 2, 3}, "vision_model.encoder.layers.{}.self_attn.k_proj.{}", "visual.trunk.blocks.{}.attn.qkv.{}"),
    rows_of_ours({2, 3, 3}, "vision_model.encoder.layers.{}.self_attn.v_proj.{}", "visual.trunk.blocks.{}.attn.qkv.{}"),
    {"vision_model.encoder.layers.{}.self_attn.out_proj.{}", "visual.trunk.blocks.{}.attn.proj.{}"},
    {"vision_model.encoder.layers.{}.layer_norm1.{}", "visual.trunk.blocks.{}.norm1.{}"},
    {"vision_model.encoder.layers.{}.layer_norm2.{}", "visual.trunk.blocks.{}.norm2.{}"},
    {"vision_model.encoder.layers.{}.mlp.fc1.{}", "visual.trunk.blocks.{}.mlp.fc1.{}"},
    {"vision_model.encoder.layers.{}.mlp.fc2.{}", "visual.trunk.blocks.{}.mlp.fc2.{}"},
    {"vision_model.post_layernorm.{}", "visual.trunk.norm.{}"},
    {"vision_model.head.probe", "visual.trunk.attn_pool.latent", Change::reshaped},
    rows_of_theirs({0, 1, 3}, "vision_model.head.attention.in_proj_{}", "visual.trunk.attn_pool.q.{}"),
    rows_of_theirs({1, 3, 3}, "vision_model.head.attention.in_proj_{}", "visual.trunk.attn_pool.kv.{}"),
    {"vision_model.head.attention.out_proj.{}", "visual.trunk.attn_pool.proj.{}"},
    {"vision_model.head.layernorm.{}", "visual.trunk.attn_pool.norm.{}"},
    {"vision_model.head.mlp.{}.{}", "visual.trunk.attn_pool.mlp.{}.{}"},
    {"text_model.embeddings.position_ids", "", Change::dropped},
    {"text_model.embeddings.token_embedding.weight", "text.token_embedding.weight"},
    {"text_model.embeddings.position_embedding.weight", "text.positional_embedding"},
    rows_of_ours({0, 1, 3}, "text_model.encoder.layers.{}.self_attn.q_proj.{}",
                 "text.transformer.resblocks.{}.attn.in_proj_{}"),
    rows_of_ours({1, 2, 3}, "text_model.encoder.layers.{}.self_attn.k_proj.{}",
                 "text.transformer.resblocks.{}.attn.in_proj_{}"),
    rows_of_ours({2, 3, 3}, "text_model.encoder.layers.{}.self_attn.v_proj.{}",
                 "text.transformer.resblocks.{}.attn.in_proj_{}"),
    {"text_model.encoder.layers.{}.self_attn.out_proj.{}", "text.transformer.resblocks.{}.attn.out_proj.{}"},
    {"text_model.encoder.layers.{}.layer_norm1.{}", "text.transformer.resblocks.{}.ln_1.{}"},
    {"text_model.encoder.layers.{}.layer_norm2.{}", "text.transformer.resblocks.{}.ln_2.{}"},
    {"text_model.encoder.layers.{}.mlp.fc1.{}", "text.transformer.resblocks.{}.mlp.c_fc.{}"},
    {"text_model.encoder.layers.{}.mlp.fc2.{}", "text.transformer.resblocks.{}.mlp.c_proj.{}"},
    {"text_model.final_layer_norm.{}", "text.ln_final.{}"},
    {"text_model.head.{}", "text.text_projection.{}"},
};

constexpr NameRule kOpenClip[] = {
    {"text.attn_mask", "", Change::dropped},
    {"visual.{*}", "visual.{*}"},
    {"text.{*}", "text.{*}"},
    {"logit_scale", "logit_scale", Change::reshaped},
    {"logit_bias", "logit_bias", Change::reshaped},
};

constexpr NameRule kTimm[] = {
    {"cls_token", "visual.trunk.cls_token"},
    {"pos_embed", "visual.trunk.pos_embed"},
    {"patch_embed.{*}", "visual.trunk.patch_embed.{*}"},
    {"blocks.{*}", "visual.trunk.blocks.{*}"},
    {"norm.{}", "visual.trunk.norm.{}"},
    {"attn_pool.{*}", "visual.trunk.attn_pool.{*}"},
};

constexpr NameScheme kSchemes[] = {
    {"siglip", "open_clip", "open_clip's names of a SigLIP", kOpenClip},
    {"siglip", "huggingface", "Hugging Face's names of SiglipModel", kHuggingFace},
    {"siglip", "timm", "timm's names of a vision transformer", kTimm},
};

}  // namespace

std::span<const NameScheme> siglip() { return kSchemes; }

}  // namespace dime::schemes
