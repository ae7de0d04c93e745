// SPDX-License-Identifier: Apache-2.0
// Hugging Face's names of CLIPModel, and of its towers with projections, which are a part of them.
#include "weights/schemes/schemes.hpp"

namespace dime::schemes {
namespace {

constexpr NameRule kRules[] = {
    {"logit_scale", "logit_scale", Change::reshaped},
    {"vision_model.embeddings.position_ids", "", Change::dropped},
    {"vision_model.embeddings.class_embedding", "visual.class_embedding"},
    {"vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight"},
    {"vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"},
    {"vision_model.pre_layrnorm.{}", "visual.ln_pre.{}"},
    rows_of_ours({0, 1, 3}, "vision_model.encoder.layers.{}.self_attn.q_proj.{}",
                 "visual.transformer.resblocks.{}.attn.in_proj_{}"),
    rows_of_ours({1, 2, 3}, "vision_model.encoder.layers.{}.self_attn.k_proj.{}",
                 "visual.transformer.resblocks.{}.attn.in_proj_{}"),
    rows_of_ours({2, 3, 3}, "vision_model.encoder.layers.{}.self_attn.v_proj.{}",
                 "visual.transformer.resblocks.{}.attn.in_proj_{}"),
    {"vision_model.encoder.layers.{}.self_attn.out_proj.{}", "visual.transformer.resblocks.{}.attn.out_proj.{}"},
    {"vision_model.encoder.layers.{}.layer_norm1.{}", "visual.transformer.resblocks.{}.ln_1.{}"},
    {"vision_model.encoder.layers.{}.layer_norm2.{}", "visual.transformer.resblocks.{}.ln_2.{}"},
    {"vision_model.encoder.layers.{}.mlp.fc1.{}", "visual.transformer.resblocks.{}.mlp.c_fc.{}"},
    {"vision_model.encoder.layers.{}.mlp.fc2.{}", "visual.transformer.resblocks.{}.mlp.c_proj.{}"},
    {"vision_model.post_layernorm.{}", "visual.ln_post.{}"},
    {"visual_projection.weight", "visual.proj", Change::transposed},
    {"text_model.embeddings.position_ids", "", Change::dropped},
    {"text_model.embeddings.token_embedding.weight", "token_embedding.weight"},
    {"text_model.embeddings.position_embedding.weight", "positional_embedding"},
    rows_of_ours({0, 1, 3}, "text_model.encoder.layers.{}.self_attn.q_proj.{}",
                 "transformer.resblocks.{}.attn.in_proj_{}"),
    rows_of_ours({1, 2, 3}, "text_model.encoder.layers.{}.self_attn.k_proj.{}",
                 "transformer.resblocks.{}.attn.in_proj_{}"),
    rows_of_ours({2, 3, 3}, "text_model.encoder.layers.{}.self_attn.v_proj.{}",
                 "transformer.resblocks.{}.attn.in_proj_{}"),
    {"text_model.encoder.layers.{}.self_attn.out_proj.{}", "transformer.resblocks.{}.attn.out_proj.{}"},
    {"text_model.encoder.layers.{}.layer_norm1.{}", "transformer.resblocks.{}.ln_1.{}"},
    {"text_model.encoder.layers.{}.layer_norm2.{}", "transformer.resblocks.{}.ln_2.{}"},
    {"text_model.encoder.layers.{}.mlp.fc1.{}", "transformer.resblocks.{}.mlp.c_fc.{}"},
    {"text_model.encoder.layers.{}.mlp.fc2.{}", "transformer.resblocks.{}.mlp.c_proj.{}"},
    {"text_model.final_layer_norm.{}", "ln_final.{}"},
    {"text_projection.weight", "text_projection", Change::transposed},
};

constexpr NameScheme kSchemes[] = {{"clip", "huggingface", "Hugging Face's names of CLIPModel", kRules}};

}  // namespace

std::span<const NameScheme> clip_huggingface() { return kSchemes; }

}  // namespace dime::schemes
