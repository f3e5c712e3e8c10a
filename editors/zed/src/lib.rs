//! Starts `qvr-lsp` for Zed: the program that `lsp.qvr.binary` of the settings names, else the one on the path.

use zed_extension_api::{self as zed, settings::LspSettings, LanguageServerId, Result};

struct Qvr;

impl zed::Extension for Qvr {
    fn new() -> Self {
        Qvr
    }

    fn language_server_command(
        &mut self,
        server: &LanguageServerId,
        worktree: &zed::Worktree,
    ) -> Result<zed::Command> {
        let chosen = LspSettings::for_worktree(server.as_ref(), worktree)?.binary;
        let path = chosen.as_ref().and_then(|binary| binary.path.clone());
        let arguments = chosen.and_then(|binary| binary.arguments);
        Ok(zed::Command {
            command: path.or_else(|| worktree.which("qvr-lsp")).ok_or(
                "There is no qvr-lsp on the path: `pip install qvr`, or set lsp.qvr.binary.path.",
            )?,
            args: arguments.unwrap_or_default(),
            env: worktree.shell_env(),
        })
    }

    fn language_server_initialization_options(
        &mut self,
        server: &LanguageServerId,
        worktree: &zed::Worktree,
    ) -> Result<Option<zed::serde_json::Value>> {
        Ok(LspSettings::for_worktree(server.as_ref(), worktree)?.initialization_options)
    }

    fn language_server_workspace_configuration(
        &mut self,
        server: &LanguageServerId,
        worktree: &zed::Worktree,
    ) -> Result<Option<zed::serde_json::Value>> {
        let settings = LspSettings::for_worktree(server.as_ref(), worktree)?.settings;
        Ok(settings.map(|settings| zed::serde_json::json!({ "qvr": settings })))
    }
}

zed::register_extension!(Qvr);
