// The QVR parser for Node: `language` is what `Parser.setLanguage` of the package `tree-sitter` takes.

#include <napi.h>

typedef struct TSLanguage TSLanguage;

extern "C" const TSLanguage *tree_sitter_qvr();

namespace {

// By this mark `tree-sitter` tells a language from any other external value; the numbers are its own.
const napi_type_tag LANGUAGE = {0x8AF2E5212AD58ABF, 0xD5006CAD83ABBA16};

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto language = Napi::External<TSLanguage>::New(env, const_cast<TSLanguage *>(tree_sitter_qvr()));
  language.TypeTag(&LANGUAGE);
  exports["language"] = language;
  return exports;
}

}  // namespace

NODE_API_MODULE(tree_sitter_qvr_binding, Init)
