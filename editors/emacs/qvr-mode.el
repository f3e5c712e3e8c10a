;;; qvr-mode.el --- Major mode for QVR, typed Bayesian models  -*- lexical-binding: t -*-

;; Author: The QVR authors
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1") (eglot "1.9"))
;; Keywords: languages
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `qvr-mode' colours and indents .qvr files by their text alone.  `qvr-ts-mode' does it with tree-sitter
;; where Emacs has it, `qvr-eglot' speaks with the language server, `qvr-input' types ⊗ and arrows.

;;; Code:

(require 'cl-lib)

(defgroup qvr nil
  "Typed Bayesian models."
  :group 'languages)

(defcustom qvr-indent-offset 4
  "How far a block stands to the right of its header."
  :type 'natnum
  :safe #'natnump)

(defface qvr-effect '((t :inherit font-lock-constant-face))
  "An effect of a program, such as Sample.")

(defface qvr-label '((t :inherit font-lock-constant-face))
  "The name of an option, or a label before a returned value.")

(eval-and-compile
  (defconst qvr-declaration-keywords '("object" "data" "program" "define" "export")
    "The words that a declaration begins with.")
  (defconst qvr-step-keywords '("sample" "observe" "let" "marginalize" "score" "return")
    "The words that a step begins with.")
  (defconst qvr-expression-keywords '("scan" "factor" "in" "if" "then" "else" "and" "or" "not")
    "The words within expressions.")
  (defconst qvr-effects '("Sample" "Score" "Marginal" "Pure")
    "What a program can say that it does.")
  (defconst qvr--name "\\_<[[:alpha:]_]\\(?:\\sw\\|\\s_\\)*\\_>"
    "A name."))

;;;; Colours

(defconst qvr-font-lock-keywords
  `((,(concat "\\_<\\(?:object\\)\\_>[ \t]+\\(" qvr--name "\\)") 1 font-lock-type-face)
    (,(concat "\\_<\\(?:program\\|define\\|export\\)\\_>[ \t]+\\(" qvr--name "\\)")
     1 font-lock-function-name-face)
    (,(concat "\\_<\\(?:data\\|sample\\|observe\\|let\\|score\\|marginalize\\)\\_>[ \t]+\\(" qvr--name "\\)")
     1 font-lock-variable-name-face)
    (,(concat "^[ \t]+\\(" qvr--name "\\)[ \t]*\\(?::[^][()#\n]*\\)?\\(?:<-\\|←\\)")
     1 font-lock-variable-name-face)
    (,(regexp-opt (append qvr-declaration-keywords qvr-step-keywords qvr-expression-keywords) 'symbols)
     . font-lock-keyword-face)
    (,(concat "\\(?:<-\\|←\\)[ \t]*\\(" qvr--name "\\)") 1 font-lock-builtin-face)
    (,(regexp-opt qvr-effects 'symbols) . 'qvr-effect)
    (qvr--match-label 1 'qvr-label)
    (qvr--match-space
     (1 font-lock-type-face)
     (,(concat "\\=[ \t]*[*⊗][ \t]*\\(" qvr--name "\\)") nil nil (1 font-lock-type-face))))
  "What `qvr-mode' colours beside comments.")

(defun qvr--match-label (limit)
  "Find an option, a keyword argument or a returned value's label before LIMIT."
  (let ((found nil))
    (while (and (not found) (re-search-forward (concat "\\(" qvr--name "\\)[ \t]*\\(=[^=]\\|:\\)") limit t))
      (goto-char (match-end 1))
      (let ((state (qvr--state (match-beginning 1))))
        (setq found (and (> (nth 0 state) 0)
                         (or (eq (char-after (match-beginning 2)) ?=)
                             (qvr--returned-p (nth 1 state)))))))
    found))

(defun qvr--match-space (limit)
  "Find the first object or space after a colon or an arrow before LIMIT."
  (let ((found nil))
    (while (and (not found)
                (re-search-forward (concat "\\(?::\\|->\\|→\\)[ \t]*\\(" qvr--name "\\)") limit t))
      (let ((state (qvr--state (match-beginning 1))))
        (setq found (not (and (nth 1 state) (qvr--returned-p (nth 1 state)))))))
    found))

(defun qvr--state (position)
  "What `syntax-ppss' says of POSITION; point and match data stay."
  (save-match-data (save-excursion (syntax-ppss position))))

(defun qvr--returned-p (bracket)
  "Whether BRACKET holds the values of a `return'."
  (save-match-data
    (save-excursion
      (goto-char bracket)
      (skip-chars-backward " \t")
      (looking-back "\\_<return" (line-beginning-position)))))

(defun qvr--syntactic-face (state)
  "The face of the comment of STATE, which documents after exactly two signs."
  (save-excursion
    (goto-char (nth 8 state))
    (if (looking-at "##\\(?:[^#]\\|$\\)") 'font-lock-doc-face 'font-lock-comment-face)))

;;;; Indentation

(defun qvr-indent-line ()
  "Indent the line as its block or its open bracket asks.
Another press of the same key takes it one block further left, since only the
author knows where a block ends."
  (interactive)
  (let* ((wanted (qvr--wanted-indentation))
         (column (current-indentation))
         (again (and (eq this-command last-command)
                     (memq this-command '(indent-for-tab-command qvr-indent-line))
                     (null (nth 1 (qvr--state (line-beginning-position))))))
         (target (cond ((not again) wanted)
                       ((> column 0) (* qvr-indent-offset (/ (1- column) qvr-indent-offset)))
                       (t wanted))))
    (if (<= (current-column) column)
        (indent-line-to target)
      (save-excursion (indent-line-to target)))))

(defun qvr-indent-region (start end)
  "Indent the lines from START to END; what can stay in its block does."
  (save-excursion
    (goto-char end)
    (let ((last (point-marker)))
      (goto-char start)
      (beginning-of-line)
      (while (< (point) last)
        (unless (looking-at "[ \t]*$")
          (let ((wanted (qvr--wanted-indentation))
                (column (current-indentation)))
            (unless (and (null (nth 1 (qvr--state (point))))
                         (<= column wanted)
                         (or (> column 0) (qvr--declaration-p))
                         (zerop (% column qvr-indent-offset)))
              (indent-line-to wanted))))
        (forward-line 1))
      (set-marker last nil))))

(defun qvr--wanted-indentation ()
  "The column at which this line's text is to begin."
  (save-excursion
    (back-to-indentation)
    (let ((bracket (nth 1 (qvr--state (line-beginning-position)))))
      (cond
       (bracket
        (let ((closes (looking-at "[])]")))
          (goto-char bracket)
          (+ (current-indentation) (if closes 0 qvr-indent-offset))))
       ((qvr--declaration-p) 0)
       ((not (qvr--backward-statement)) 0)
       ((looking-at "\\_<\\(?:program\\|marginalize\\)\\_>")
        (+ (current-indentation) qvr-indent-offset))
       ((qvr--declaration-p) 0)
       ((looking-at "\\_<return\\_>")
        (max 0 (- (current-indentation) qvr-indent-offset)))
       (t (current-indentation))))))

(defun qvr--declaration-p ()
  "Whether the line at point begins a declaration."
  (looking-at (eval-when-compile (concat "[ \t]*" (regexp-opt qvr-declaration-keywords 'symbols)))))

(defun qvr--backward-statement ()
  "Go to the text of the statement above this line; nil where there is none."
  (let ((found nil))
    (while (and (not found) (zerop (forward-line -1)))
      (back-to-indentation)
      (unless (or (eolp) (looking-at "#"))
        (let ((bracket (nth 1 (qvr--state (line-beginning-position)))))
          (while bracket
            (goto-char bracket)
            (beginning-of-line)
            (setq bracket (nth 1 (qvr--state (point)))))
          (back-to-indentation)
          (setq found t))))
    found))

;;;; Moving

(defun qvr-beginning-of-defun (&optional count)
  "Go back to the start of COUNT declarations; forward if COUNT is negative."
  (let ((count (or count 1))
        (start (eval-when-compile (concat "^" (regexp-opt qvr-declaration-keywords 'symbols)))))
    (if (> count 0)
        (when (re-search-backward start nil 'move count)
          (goto-char (match-beginning 0)))
      (end-of-line)
      (when (re-search-forward start nil 'move (- count))
        (goto-char (match-beginning 0))))))

(defun qvr-end-of-defun ()
  "Go to the line after the declaration at point."
  (forward-line 1)
  (while (and (not (eobp)) (or (looking-at "[ \t]+[^ \t\n]") (looking-at "[])]")
                               (and (looking-at "[ \t]*$") (qvr--more-below-p))))
    (forward-line 1)))

(defun qvr--more-below-p ()
  "Whether what follows the empty lines at point is still indented."
  (save-excursion
    (skip-chars-forward " \t\n")
    (and (not (eobp)) (> (current-column) 0))))

(defun qvr-program-at-point ()
  "The name of the program that point is in, or nil."
  (save-excursion
    (end-of-line)
    (when (re-search-backward
           (eval-when-compile (concat "^" (regexp-opt qvr-declaration-keywords 'symbols))) nil t)
      (and (looking-at (concat "program[ \t]+\\(" qvr--name "\\)"))
           (match-string-no-properties 1)))))

(defconst qvr-imenu-generic-expression
  (cl-loop for (title . keyword) in '(("Objects" . "object") ("Data" . "data") ("Programs" . "program")
                                      ("Compositions" . "define"))
           collect (list title (concat "^" keyword "[ \t]+\\(" qvr--name "\\)") 1))
  "The declarations, by kind.")

;;;; The mode

(defvar qvr-base-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?_ "_" table)
    (modify-syntax-entry ?\" "." table)
    (modify-syntax-entry ?' "." table)
    (modify-syntax-entry ?{ "." table)
    (modify-syntax-entry ?} "." table)
    (dolist (sign '(?+ ?- ?* ?/ ?^ ?@ ?= ?< ?> ?! ?, ?: ?. ?⊗ ?← ?→ ?≤ ?≥ ?≠))
      (modify-syntax-entry sign "." table))
    (cl-loop for digit from ?₀ to ?₉ do (modify-syntax-entry digit "w" table))
    table)
  "How the signs of QVR are read.")

(defvar qvr-base-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-c") #'qvr-run)
    (define-key map (kbd "C-c C-k") #'qvr-stop)
    (define-key map (kbd "C-c C-z") #'qvr-results)
    (define-key map (kbd "C-c C-o") #'qvr-report)
    (define-key map (kbd "C-c C-d") #'qvr-plate)
    map)
  "Keys of both modes.")

(autoload 'qvr-run "qvr-eglot" nil t)
(autoload 'qvr-stop "qvr-eglot" nil t)
(autoload 'qvr-results "qvr-eglot" nil t)
(autoload 'qvr-report "qvr-eglot" nil t)
(autoload 'qvr-plate "qvr-eglot" nil t)
(autoload 'qvr-restart-worker "qvr-eglot" nil t)

;;;###autoload
(define-derived-mode qvr-base-mode prog-mode "QVR"
  "What `qvr-mode' and `qvr-ts-mode' have in common."
  (setq-local comment-start "# "
              comment-end ""
              comment-start-skip "#+[ \t]*"
              indent-tabs-mode nil
              tab-width qvr-indent-offset
              indent-line-function #'qvr-indent-line
              indent-region-function #'qvr-indent-region
              electric-indent-inhibit t
              beginning-of-defun-function #'qvr-beginning-of-defun
              end-of-defun-function #'qvr-end-of-defun
              open-paren-in-column-0-is-defun-start nil
              outline-regexp (concat (regexp-opt qvr-declaration-keywords) "\\_>")
              imenu-generic-expression qvr-imenu-generic-expression))

;;;###autoload
(define-derived-mode qvr-mode qvr-base-mode "QVR"
  "Major mode for QVR models, by their text alone.

\\{qvr-mode-map}"
  (setq-local font-lock-defaults
              '(qvr-font-lock-keywords
                nil nil nil
                (font-lock-syntactic-face-function . qvr--syntactic-face))))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.qvr\\'" . qvr-mode))

(provide 'qvr-mode)
;;; qvr-mode.el ends here
