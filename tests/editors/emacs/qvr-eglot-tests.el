;;; qvr-eglot-tests.el --- A model and the real server in Emacs  -*- lexical-binding: t -*-

;;; Code:

(require 'ert)
(require 'cl-lib)
(require 'flymake)
(require 'qvr-eglot)

(defconst qvr-tests-folder (getenv "QVR_FOLDER")
  "A folder of its own with schools.qvr, whose `Normal' is misspelt, and its data.")

(defun qvr-tests-await (sought &optional seconds)
  "Wait until SOUGHT gives a value, at most SECONDS, and return it."
  (let ((end (+ (float-time) (or seconds (string-to-number (or (getenv "QVR_PATIENCE") "60"))))) (found nil))
    (while (not (setq found (funcall sought)))
      (when (> (float-time) end)
          (ert-fail (list "nothing came" sought (qvr-tests-said) (qvr-tests-problems))))
      (accept-process-output nil 0.05))
    found))

(defun qvr-tests-problems ()
  "The problems of this buffer as the text that each is on with its message."
  (mapcar (lambda (each)
            (cons (buffer-substring-no-properties (flymake-diagnostic-beg each) (flymake-diagnostic-end each))
                  (flymake-diagnostic-text each)))
          (flymake-diagnostics)))

(defvar qvr-tests-messages nil
  "What has been said in the echo area, the newest first; in batch mode no buffer keeps it.")

(advice-add 'message :filter-return
            (lambda (text) (when (stringp text) (push text qvr-tests-messages)) text))

(defun qvr-tests-said ()
  "All that has been said in the echo area."
  (string-join qvr-tests-messages "\n"))

(ert-deftest qvr-an-afternoon-with-the-schools ()
  (let ((eglot-sync-connect 60) (eglot-autoshutdown nil) (eglot-events-buffer-size 0))
    (find-file (expand-file-name "schools.qvr" qvr-tests-folder))
    (should (derived-mode-p 'qvr-mode))
    (call-interactively #'eglot)
    (should (equal (plist-get (eglot--server-info (eglot-current-server)) :name) "qvr-lsp"))

    ;; A misspelt family is marked on its token, and the mark goes when it is mended.
    (pcase-let ((`((,token . ,message))
                 (qvr-tests-await (lambda () (flymake-start) (qvr-tests-problems)))))
      (should (equal token "Normol"))
      (should (string-match-p "Normal" message)))
    (goto-char (point-min))
    (search-forward "Normol")
    (replace-match "Normal")
    (eglot--signal-textDocument/didChange)
    (qvr-tests-await (lambda () (flymake-start) (not (assoc "Normol" (qvr-tests-problems)))))

    ;; A hover tells of types.
    (goto-char (point-min))
    (search-forward "sample theta")
    (let ((hover (jsonrpc-request (eglot-current-server) :textDocument/hover
                                  (eglot--TextDocumentPositionParams))))
      (should (string-match-p "School ⊗ Real" (format "%s" hover))))

    ;; The plate diagram needs no run; from each node's line one goes to its step.
    (call-interactively #'qvr-plate)
    (let ((plates (qvr-tests-await (lambda () (get-buffer "*QVR plates of eight_schools_centred*")))))
      (with-current-buffer plates
        (should (derived-mode-p 'qvr-plate-mode))
        (dolist (name '("mu" "tau" "theta" "y"))
          (goto-char (point-min))
          (should (re-search-forward (concat " " name " ")))
          (qvr-plate-visit)
          (should (equal (buffer-name) "schools.qvr"))
          (should (looking-at (concat name "\\_>")))
          (should (string-match-p "^ +\\(sample\\|observe\\) " (thing-at-point 'line)))
          (set-buffer plates)))
      ;; `g' draws what is in the buffer by then, and the diagram's first line leads nowhere.
      (with-current-buffer "schools.qvr"
        (goto-char (point-min))
        (search-forward "sample tau")
        (replace-match "sample spread")
        (goto-char (point-min))
        (search-forward "Normal(mu, tau)")
        (replace-match "Normal(mu, spread)"))
      (with-current-buffer plates
        (revert-buffer)
        (qvr-tests-await (lambda () (string-match-p " spread " (buffer-string))))
        (goto-char (point-max))
        (should-error (qvr-plate-visit) :type 'user-error))
      (with-current-buffer "schools.qvr"
        (goto-char (point-min))
        (while (search-forward "spread" nil t) (replace-match "tau"))
        (eglot--signal-textDocument/didChange)))

    ;; There is nothing to show before the first run, and the server says so.
    (qvr-results nil)
    (qvr-tests-await (lambda () (string-match-p "run it first" (qvr-tests-said))))

    ;; A run of the program at point ends in its table.
    (call-interactively #'qvr-run)
    (should (equal qvr--running 1))
    (let ((table (qvr-tests-await (lambda () (get-buffer "*QVR eight_schools_centred*")) 120)))
      (should (equal qvr--running 0))
      (with-current-buffer table
        (should (derived-mode-p 'qvr-results-mode))
        (should (string-match-p "^theta\\[8\\] +-?[0-9]+\\.[0-9]+ " (buffer-string)))
        (goto-char (point-min))
        (re-search-forward "^tau ")
        (should (re-search-forward "[▁▂▃▄▅▆▇█]$" (line-end-position)))
        (qvr-results-visit)
        (should (equal (buffer-name) "schools.qvr"))
        (should (looking-at "tau")))

      ;; An edit makes it stale.
      (goto-char (point-min))
      (search-forward "HalfNormal(5.0)")
      (replace-match "HalfNormal(6.0)")
      (with-current-buffer table
        (call-interactively #'qvr-results)
        (qvr-tests-await (lambda () (string-match-p "changed since: model" (buffer-string))))))

    ;; A report is written and shown.
    (let* ((shown nil)
           (browse-url-browser-function (lambda (uri &rest _) (setq shown uri))))
      (call-interactively #'qvr-report)
      (should (string-match-p "\\`file:///.*html" (qvr-tests-await (lambda () shown)))))

    ;; A stopped run says so.
    (call-interactively #'qvr-stop)
    (qvr-tests-await (lambda () (string-match-p "Nothing is running" (qvr-tests-said))))
    (set-buffer-modified-p nil)
    (eglot-shutdown (eglot-current-server))))

(provide 'qvr-eglot-tests)
;;; qvr-eglot-tests.el ends here
