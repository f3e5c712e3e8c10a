;;; qvr-ts-mode-tests.el --- The tree-sitter mode, where Emacs has tree-sitter  -*- lexical-binding: t -*-

;;; Code:

(require 'ert)
(require 'imenu)
(require 'qvr-ts-mode)

(defconst qvr-ts-tests-examples (getenv "QVR_EXAMPLES")
  "The folder of models that is to be coloured.")

(defconst qvr-ts-tests-model "## Schools.
object School : FinSet 8  # eight of them

program effects(scale : Real) : School → School [effects=[Sample, Score]]
    sample mu <- Normal(0, sd=scale) [low=0, over=School]
    let theta₁ = if mu > 0 then mu else factor i : School in exp(mu)
    return (mean: theta₁, spread: mu)

export effects
")

(defun qvr-ts-tests-face (text nth)
  "The face at the last letter of the NTH TEXT."
  (goto-char (point-min))
  (let ((case-fold-search nil)) (search-forward text nil nil nth))
  (get-text-property (1- (match-end 0)) 'face))

(ert-deftest qvr-ts-colours ()
  (let ((treesit-font-lock-level 4))
    (with-temp-buffer
      (insert qvr-ts-tests-model)
      (qvr-ts-mode)
      (font-lock-ensure)
      (pcase-dolist (`(,text ,nth ,face)
                     '(("## Schools" 1 font-lock-doc-face)
                       ("object School" 1 font-lock-type-face)
                       ("FinSet" 1 font-lock-type-face)
                       ("8" 1 font-lock-number-face)
                       ("# eight" 1 font-lock-comment-face)
                       ("effects" 1 font-lock-function-name-face)
                       ("scale" 1 font-lock-variable-name-face)
                       ("→" 1 font-lock-operator-face)
                       ("[effects" 1 font-lock-property-use-face)
                       ("Sample" 1 font-lock-constant-face)
                       ("Score" 1 font-lock-constant-face)
                       ("Normal" 1 font-lock-function-call-face)
                       ("sd" 1 font-lock-property-use-face)
                       ("over=School" 1 font-lock-type-face)
                       ("theta₁" 2 font-lock-variable-use-face)
                       ("then" 1 font-lock-keyword-face)
                       ("exp" 1 font-lock-function-call-face)
                       ("mean" 1 font-lock-property-use-face)
                       ("export effects" 1 font-lock-function-name-face)))
        (should (equal (list text nth (qvr-ts-tests-face text nth)) (list text nth face)))))))

(ert-deftest qvr-ts-colours-every-word-of-the-examples ()
  (let ((treesit-font-lock-level 4))
    (dolist (file (directory-files-recursively qvr-ts-tests-examples "\\.qvr\\'"))
      (with-temp-buffer
        (insert-file-contents file)
        (qvr-ts-mode)
        (font-lock-ensure)
        (goto-char (point-min))
        (while (re-search-forward "[^ \t\n]" nil t)
          (should (get-text-property (match-beginning 0) 'face)))))))

(ert-deftest qvr-ts-moves-lists-and-indents ()
  (with-temp-buffer
    (insert qvr-ts-tests-model)
    (qvr-ts-mode)
    (indent-region (point-min) (point-max))
    (should (equal (buffer-string) qvr-ts-tests-model))
    (search-backward "theta")
    (beginning-of-defun)
    (should (looking-at "program effects"))
    (should (equal (mapcar #'car (cdr (assoc "Programs" (funcall imenu-create-index-function))))
                   '("effects")))))

(provide 'qvr-ts-mode-tests)
;;; qvr-ts-mode-tests.el ends here
