;;; qvr-ts-mode.el --- Tree-sitter mode for QVR  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; For Emacs 29 or newer with the grammar built: `M-x qvr-ts-build-grammar' does that from a checkout.
;; Indentation is `qvr-mode''s own, as Python's modes have theirs: where a block ends is not in the tree of
;; a line that is still empty.

;;; Code:

(require 'cl-lib)
(require 'qvr-mode)
(require 'qvr-ts-queries)
(require 'treesit nil t)

(declare-function treesit-available-p "treesit.c")
(declare-function treesit-font-lock-rules "treesit.el")
(declare-function treesit-major-mode-setup "treesit.el")
(declare-function treesit-node-child-by-field-name "treesit.c")
(declare-function treesit-node-text "treesit.el")
(declare-function treesit-parser-create "treesit.c")
(declare-function treesit-ready-p "treesit.el")
(defvar treesit-defun-name-function)
(defvar treesit-defun-type-regexp)
(defvar treesit-font-lock-feature-list)
(defvar treesit-font-lock-settings)
(defvar treesit-simple-imenu-settings)

(defconst qvr-ts-features
  '((comment definition)
    (keyword type)
    (constant number function property)
    (operator bracket delimiter variable))
  "What each `treesit-font-lock-level' adds.")

(defconst qvr-ts--here (file-name-directory (or load-file-name buffer-file-name default-directory))
  "Where this file is.")

(defun qvr-ts--settings ()
  "The patterns of `qvr-ts-queries' as Emacs takes them."
  (apply #'treesit-font-lock-rules
         (cl-loop for (feature . patterns) in qvr-ts-queries
                  append (list :language 'qvr :feature feature patterns))))

(defun qvr-ts--name (node)
  "The name that the declaration NODE gives."
  (let ((name (treesit-node-child-by-field-name node "name")))
    (and name (treesit-node-text name t))))

;;;###autoload
(define-derived-mode qvr-ts-mode qvr-base-mode "QVR[ts]"
  "Major mode for QVR models, by tree-sitter.

\\{qvr-ts-mode-map}"
  (unless (and (fboundp 'treesit-ready-p) (treesit-ready-p 'qvr))
    (user-error "Build the grammar with M-x qvr-ts-build-grammar, or use M-x qvr-mode"))
  (treesit-parser-create 'qvr)
  (setq-local treesit-font-lock-settings (qvr-ts--settings)
              treesit-font-lock-feature-list qvr-ts-features
              treesit-defun-type-regexp "\\`\\(?:object\\|data\\|program\\|define\\|export\\)_declaration\\'"
              treesit-defun-name-function #'qvr-ts--name
              treesit-simple-imenu-settings
              '(("Objects" "\\`object_declaration\\'" nil nil)
                ("Data" "\\`data_declaration\\'" nil nil)
                ("Programs" "\\`program_declaration\\'" nil nil)
                ("Compositions" "\\`define_declaration\\'" nil nil)))
  (treesit-major-mode-setup))

;;;###autoload
(defun qvr-ts-build-grammar (sources)
  "Compile the grammar in the folder SOURCES to where Emacs looks for grammars.
SOURCES has parser.c and scanner.c: grammar/src of a checkout."
  (interactive
   (let ((beside (expand-file-name "../../grammar/src/" qvr-ts--here)))
     (list (if (file-exists-p (expand-file-name "parser.c" beside))
               beside
             (read-directory-name "Folder with parser.c and scanner.c: " nil nil t)))))
  (let* ((folder (locate-user-emacs-file "tree-sitter/"))
         (suffix (if (eq system-type 'darwin) ".dylib" (if (eq system-type 'windows-nt) ".dll" ".so")))
         (library (expand-file-name (concat "libtree-sitter-qvr" suffix) folder))
         (default-directory (expand-file-name sources)))
    (make-directory folder t)
    (with-temp-buffer
      (unless (eq 0 (call-process (or (getenv "CC") "cc") nil t nil "-shared" "-fPIC" "-O2" "-std=c11" "-I."
                                  "parser.c" "scanner.c" "-o" library))
        (error "The grammar could not be compiled: %s" (string-trim (buffer-string)))))
    (message "Wrote %s" library)))

(provide 'qvr-ts-mode)
;;; qvr-ts-mode.el ends here
