;;; qvr-eglot.el --- The QVR language server in Emacs  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Tells eglot of the server, and runs models through it: `qvr-run', `qvr-stop', `qvr-results', `qvr-report',
;; `qvr-plate'.

;;; Code:

(require 'eglot)
(require 'jsonrpc)
(require 'subr-x)
(require 'qvr-mode)
(require 'qvr-results)
(require 'qvr-plate)

(defcustom qvr-server-command '("qvr-lsp")
  "The language server and its arguments."
  :group 'qvr
  :type '(repeat string))

(defun qvr-server-contact (&rest _)
  "The command of `qvr-server-command', or an error that says how to get it."
  (unless (executable-find (car qvr-server-command))
    (user-error "There is no program %s: `pip install qvr', or set `qvr-server-command'"
                (car qvr-server-command)))
  qvr-server-command)

(add-to-list 'eglot-server-programs '((qvr-mode qvr-ts-mode) . qvr-server-contact))
(put 'qvr-mode 'eglot-language-id "qvr")
(put 'qvr-ts-mode 'eglot-language-id "qvr")

;;;; Commands

(defvar-local qvr--running 0
  "How many runs of this buffer's programs are under way.")

;;;###autoload
(defun qvr-run (program)
  "Run PROGRAM of this buffer and show its posterior.
That is the program at point; outside of all, the one that is exported, or the
last.  With a prefix argument, ask which.  Editing goes on while it runs."
  (interactive (list (qvr--chosen-program)) qvr-base-mode)
  (let ((model (qvr--model)))
    (with-current-buffer model
      (setq qvr--running (1+ qvr--running))
      (force-mode-line-update))
    (message "Sampling %s…" (or program (buffer-name model)))
    (qvr--ask model "qvr.run" (qvr--about model program)
              (lambda (answer)
                (qvr--ended model)
                (qvr-results-show model program answer)
                (message "%s" (qvr-results-headline answer)))
              (lambda (sentence)
                (qvr--ended model)
                (message "%s" sentence)))))

;;;###autoload
(defun qvr-stop ()
  "Stop the runs of this model."
  (interactive nil qvr-base-mode qvr-results-mode)
  (let ((model (qvr--model)))
    (qvr--ask model "qvr.cancelRun" (qvr--about model nil)
              (lambda (answer)
                (message (pcase (plist-get answer :cancelled)
                           (0 "Nothing is running")
                           (1 "Stopped the run")
                           (count (format "Stopped %s runs" count))))))))

;;;###autoload
(defun qvr-results (program)
  "Show the last posterior of PROGRAM, and whether it still stands."
  (interactive (list (qvr--chosen-program)) qvr-base-mode qvr-results-mode)
  (let ((model (qvr--model)))
    (qvr--ask model "qvr.showResult" (qvr--about model program)
              (lambda (answer)
                (qvr-results-show model program (plist-get answer :result)
                                  (append (plist-get answer :changed) nil))))))

;;;###autoload
(defun qvr-report (program)
  "Open the last run of PROGRAM as a page in the browser."
  (interactive (list (qvr--chosen-program)) qvr-base-mode qvr-results-mode)
  (let ((model (qvr--model)))
    (qvr--ask model "qvr.openReport" (qvr--about model program)
              (lambda (answer)
                (unless (qvr--shows-documents-p (qvr--server model))
                  (browse-url (plist-get answer :uri)))))))

;;;###autoload
(defun qvr-plate (program)
  "Show the plate diagram of PROGRAM as it is in the buffer now."
  (interactive (list (qvr--chosen-program)) qvr-base-mode qvr-results-mode qvr-plate-mode)
  (let ((model (qvr--model)))
    (qvr--ask model "qvr.plate" (qvr--about model program)
              (lambda (answer) (qvr-plate-show model answer)))))

;;;###autoload
(defun qvr-restart-worker ()
  "Start the process anew in which models run."
  (interactive nil qvr-base-mode qvr-results-mode)
  (qvr--ask (qvr--model) "qvr.restartWorker" nil
            (lambda (answer) (message "The worker is process %s" (plist-get answer :processId)))))

;;;; Asking

(defun qvr--ended (model)
  "Count one run of the buffer MODEL less."
  (when (buffer-live-p model)
    (with-current-buffer model
      (setq qvr--running (max 0 (1- qvr--running)))
      (force-mode-line-update))))

(add-to-list 'minor-mode-alist '(qvr--running (:eval (if (> qvr--running 0) " Sampling" ""))))

(defun qvr--model ()
  "The buffer whose model the commands of this one are about."
  (let ((model (cond ((derived-mode-p 'qvr-results-mode) qvr-results-model)
                     ((derived-mode-p 'qvr-plate-mode) qvr-plate-model)
                     (t (current-buffer)))))
    (unless (and (buffer-live-p model)
                 (with-current-buffer model (derived-mode-p 'qvr-base-mode)))
      (user-error "This is no buffer of a QVR model"))
    model))

(defun qvr--chosen-program ()
  "The program to be run, or nil for the one that the file stands for."
  (cond
   ((derived-mode-p 'qvr-results-mode) qvr-results-program)
   ((derived-mode-p 'qvr-plate-mode) qvr-plate-program)
   (current-prefix-arg
    (completing-read "Program: " (qvr--programs) nil t nil nil (qvr-program-at-point)))
   (t (qvr-program-at-point))))

(defun qvr--programs ()
  "The names of this buffer's programs and compositions."
  (save-excursion
    (goto-char (point-min))
    (let ((names nil))
      (while (re-search-forward (concat "^\\(?:program\\|define\\)[ \t]+\\(" qvr--name "\\)") nil t)
        (push (match-string-no-properties 1) names))
      (nreverse names))))

(defun qvr--about (model program)
  "The argument that names the text of MODEL, and PROGRAM if it is known."
  (append (with-current-buffer model (eglot--TextDocumentIdentifier))
          (and program (list :program program))))

(defun qvr--server (model)
  "The server of the buffer MODEL, or an error that says how to start it."
  (with-current-buffer model
    (or (eglot-current-server)
        (user-error "The language server is not running here: M-x eglot"))))

(defun qvr--ask (model command argument done &optional refused)
  "Have the server of MODEL execute COMMAND with ARGUMENT; DONE gets the answer.
A refusal's sentence goes to REFUSED, without one to the echo area.  Nothing
waits for the answer."
  (let ((server (qvr--server model)))
    (with-current-buffer model
      (eglot--signal-textDocument/didChange))
    (jsonrpc-async-request
     server :workspace/executeCommand
     (append (list :command command) (and argument (list :arguments (vector argument))))
     :success-fn done
     :error-fn (jsonrpc-lambda (&key message &allow-other-keys)
                 (funcall (or refused (lambda (sentence) (message "%s" sentence))) message))
     :timeout nil)))

(defun qvr--shows-documents-p (server)
  "Whether eglot has told SERVER that it shows documents by itself."
  (eq t (plist-get (plist-get (plist-get (eglot-client-capabilities server) :window) :showDocument)
                   :support)))

(provide 'qvr-eglot)
;;; qvr-eglot.el ends here
