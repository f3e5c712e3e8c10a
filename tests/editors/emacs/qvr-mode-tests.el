;;; qvr-mode-tests.el --- Colours, indentation and signs of qvr-mode  -*- lexical-binding: t -*-

;;; Code:

(require 'ert)
(require 'cl-lib)
(require 'imenu)
(require 'qvr-mode)
(require 'qvr-results)

(defconst qvr-tests-examples (getenv "QVR_EXAMPLES")
  "The folder of models that is to be indented and coloured.")

(defmacro qvr-tests-with (text &rest body)
  "Run BODY in a buffer of `qvr-mode' that holds TEXT, with point at its start."
  (declare (indent 1))
  `(with-temp-buffer
     (insert ,text)
     (qvr-mode)
     (font-lock-ensure)
     (goto-char (point-min))
     ,@body))

(defun qvr-tests-face (text &optional nth)
  "The face at the NTH place where TEXT is found from the start, by default the first."
  (goto-char (point-min))
  (let ((case-fold-search nil)) (search-forward text nil nil (or nth 1)))
  (get-text-property (1- (match-end 0)) 'face))

(defconst qvr-tests-model "## Schools.
object School : FinSet 8  # eight of them
data county : School -> Region

program effects(scale : Real) : School → School [effects=[Sample, Score]]
    sample mu <- Normal(0, sd=scale) [low=0]
    eta : School ⊗ Region ← LKJ(2)
    let theta₁ = if mu > 0 then mu else factor i : School in mu * eta[i]
    return (mean: theta₁, spread: mu)

export effects
")

(ert-deftest qvr-colours ()
  (qvr-tests-with qvr-tests-model
    (pcase-dolist (`(,text ,nth ,face)
                   '(("## Schools" 1 font-lock-doc-face)
                     ("# eight" 1 font-lock-comment-face)
                     ("object" 1 font-lock-keyword-face)
                     ("object School" 1 font-lock-type-face)
                     ("FinSet" 1 font-lock-type-face)
                     ("county" 1 font-lock-variable-name-face)
                     ("Region" 1 font-lock-type-face)
                     ("effects" 1 font-lock-function-name-face)
                     ("Real" 1 font-lock-type-face)
                     ("→ School" 1 font-lock-type-face)
                     ("[effects" 1 qvr-label)
                     ("Sample" 1 qvr-effect)
                     ("sample" 1 font-lock-keyword-face)
                     ("mu" 1 font-lock-variable-name-face)
                     ("Normal" 1 font-lock-builtin-face)
                     ("sd" 1 qvr-label)
                     ("low" 1 qvr-label)
                     ("eta" 1 font-lock-variable-name-face)
                     ("Region" 2 font-lock-type-face)
                     ("LKJ" 1 font-lock-builtin-face)
                     ("theta₁" 1 font-lock-variable-name-face)
                     ("then" 1 font-lock-keyword-face)
                     ("factor" 1 font-lock-keyword-face)
                     ("mean" 1 qvr-label)
                     ("theta₁" 2 nil)
                     ("export" 1 font-lock-keyword-face)))
      (should (equal (list text nth (qvr-tests-face text nth)) (list text nth face))))))

(ert-deftest qvr-three-signs-are-a-plain-comment ()
  (qvr-tests-with "### a rule\n## doc\n##\n"
    (should (eq (qvr-tests-face "### a") 'font-lock-comment-face))
    (should (eq (qvr-tests-face "## doc") 'font-lock-doc-face))))

(ert-deftest qvr-names-with-subscripts-are-one-symbol ()
  (qvr-tests-with "let theta_₁₀ = μ"
    (search-forward "theta")
    (should (equal (thing-at-point 'symbol) "theta_₁₀"))))

(ert-deftest qvr-typing-a-model-indents-it ()
  (qvr-tests-with ""
    (electric-indent-local-mode 1)
    (dolist (line '("program p : A -> A" "sample z <- Normal(" "0," "1)" "marginalize k <- Categorical(w)"
                    "observe y <- Normal(k, 1)"))
      (insert line)
      (when (equal line "1)") (qvr-indent-line))
      (newline 1 t))
    (should (equal (buffer-string)
                   (concat "program p : A -> A\n"
                           "    sample z <- Normal(\n"
                           "        0,\n"
                           "        1)\n"
                           "    marginalize k <- Categorical(w)\n"
                           "        observe y <- Normal(k, 1)\n"
                           "        ")))))

(ert-deftest qvr-the-same-key-again-leaves-the-block ()
  (qvr-tests-with "program p : A -> A\n    marginalize k <- C(w)\n        observe y <- N(k, 1)\n"
    (goto-char (point-max))
    (let ((this-command 'indent-for-tab-command) (columns nil))
      (setq last-command 'newline)
      (dotimes (_ 4)
        (qvr-indent-line)
        (push (current-indentation) columns)
        (setq last-command 'indent-for-tab-command))
      (should (equal (nreverse columns) '(8 4 0 8))))))

(ert-deftest qvr-a-declaration-goes-to-the-margin-and-return-ends-a-program ()
  (qvr-tests-with "program p : A -> A\n    return x\n        export p\n"
    (goto-char (point-min))
    (forward-line 2)
    (qvr-indent-line)
    (should (equal (current-indentation) 0))
    (insert "x\n")
    (forward-line -1)
    (qvr-indent-line)
    (should (equal (current-indentation) 0))))

(ert-deftest qvr-a-closing-bracket-stands-under-its-line ()
  (qvr-tests-with "program p : A -> A\n    let x = f(\n    1,\n    )\n"
    (indent-region (point-min) (point-max))
    (should (equal (buffer-string) "program p : A -> A\n    let x = f(\n        1,\n    )\n"))))

(ert-deftest qvr-examples-stay-as-they-are ()
  (let ((files (directory-files-recursively qvr-tests-examples "\\.qvr\\'")))
    (should (> (length files) 5))
    (dolist (file files)
      (with-temp-buffer
        (insert-file-contents file)
        (qvr-mode)
        (let ((before (buffer-string)))
          (indent-region (point-min) (point-max))
          (should (equal (buffer-string) before)))))))

(ert-deftest qvr-comments-are-made-and-taken-back ()
  (qvr-tests-with "    let x = 1\n"
    (comment-region (point-min) (point-max))
    (should (equal (buffer-string) "    # let x = 1\n"))
    (uncomment-region (point-min) (point-max))
    (should (equal (buffer-string) "    let x = 1\n"))))

(ert-deftest qvr-brackets-come-in-pairs ()
  (qvr-tests-with ""
    (electric-pair-local-mode 1)
    (let ((last-command-event ?\[)) (call-interactively #'self-insert-command))
    (should (equal (buffer-string) "[]"))))

(ert-deftest qvr-the-index-has-the-declarations ()
  (qvr-tests-with qvr-tests-model
    (let ((index (funcall imenu-create-index-function)))
      (should (equal (sort (mapcar #'car index) #'string<) '("Data" "Objects" "Programs")))
      (should (equal (mapcar #'car (cdr (assoc "Programs" (funcall imenu-create-index-function)))) '("effects"))))))

(ert-deftest qvr-moving-by-declarations ()
  (qvr-tests-with qvr-tests-model
    (search-forward "theta₁")
    (should (equal (qvr-program-at-point) "effects"))
    (beginning-of-defun)
    (should (looking-at "program effects"))
    (end-of-defun)
    (should (looking-back "spread: mu)\n" (point-min)))
    (search-backward "county")
    (should (equal (qvr-program-at-point) nil))))

(ert-deftest qvr-files-open-in-the-mode ()
  (should (eq (assoc-default "schools.qvr" auto-mode-alist #'string-match) 'qvr-mode)))

(ert-deftest qvr-signs-are-typed-by-name ()
  (require 'qvr-input)
  (with-temp-buffer
    (set-input-method "qvr")
    (pcase-dolist (`(,typed . ,sign) '(("\\otimes" . ?⊗) ("\\from" . ?←) ("\\to" . ?→) ("\\mu" . ?μ) ("\\_1" . ?₁)))
      (should (equal (quail-get-translation (car (quail-lookup-key typed)) typed (length typed)) sign)))))

(ert-deftest qvr-a-result-is-a-table ()
  (should
   (equal
    (qvr-results-text
     '(:program "p" :chains 4 :draws 1000 :divergences 2
       :troubles ((:message "Two draws diverged."))
       :sites (:tau (:axes [] :shape [] :mean [3.5] :sd [1.25] :q5 [0.1] :q95 [9]
                     :ess 420.4 :r_hat 1.0012 :histogram (:low 0 :high 1 :counts [0 1 2 3 4 5 6 7]))
               :theta (:axes ["A" "B"] :shape [1 2] :mean [12345.678 nil] :sd [1 2] :q5 [1 2] :q95 [1 2]
                       :ess nil :r_hat nil :histogram nil)))
     '("model" "data"))
    (concat
     "p: 4 × 1000 draws, 2 divergences; changed since: model, data\n"
     "! Two draws diverged.\n"
     "\n"
     "                 mean     sd    5 %   95 %  ESS      R̂\n"
     "tau             3.500  1.250  0.100  9.000  420  1.001  ▁▂▃▄▅▆▇█\n"
     "theta[1,1]  12345.678  1.000  1.000  1.000\n"
     "theta[1,2]             2.000  2.000  2.000\n"))))

(provide 'qvr-mode-tests)
;;; qvr-mode-tests.el ends here
