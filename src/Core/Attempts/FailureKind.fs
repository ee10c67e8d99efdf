namespace CellOS.Export.S3.Core

/// Why a push ended without a receipt.
[<RequireQualifiedAccess>]
type FailureKind =
    /// There is no such file.
    | SourceNotFound
    /// The source is no regular file.
    | SourceNotAFile
    /// The file may not be read.
    | SourceAccessDenied
    /// Reading the file failed.
    | SourceUnreadable
    /// The file changed while it was read.
    | SourceChanged
    /// The file is larger than the target allows.
    | SourceTooLarge
    /// The URL cannot carry this request: it signs a header that the push does not have, or another artifact has it.
    | UrlUnusable
    /// The URL has expired.
    | UrlExpired
    /// The server, or a proxy on the way to it, refused the request, and would again.
    | Refused
    /// The server pointed elsewhere. Redirects are never followed: the signature is for one host.
    | Redirected
    /// Write-once: there is an object under this key already.
    | AlreadyExists
    /// The server could not serve the request, in the last of all attempts.
    | Unavailable
    /// The server could not be reached, or the connection broke, in the last of all attempts.
    | Unreachable
    /// A time limit struck, in the last of all attempts.
    | TimedOut
    /// The deadline over all attempts.
    | DeadlineExceeded
    /// The server's certificate is not trusted or names another host.
    | CertificateRejected
    /// The server received or stored other bytes than were sent.
    | IntegrityMismatch
    /// The server accepted the object and confirmed no digest, where one is required.
    | Unverified
    /// The success is not a store's: its body is a page, reports an error, or is not one that a store sends.
    | NotAStore
    /// The success has no mark, status or body of a store, no digest confirms the content, and the URL is presigned: a proxy
    /// or a portal may have answered.
    | Unconfirmed
    /// This process or its host lacks memory, file descriptors, a home directory or the like.
    | LocalFault
    /// The driver broke the protocol of the push machine: a bug of that driver.
    | Internal
