namespace CellOS.Export;

/// <summary>Why an artifact was not exported.</summary>
public enum ExportFailureKind
{
    /// <summary>Unknown: of a sink that does not say why.</summary>
    Unknown = 0,

    /// <summary>There is no such file.</summary>
    SourceNotFound = 1,

    /// <summary>The source is no regular file: a folder, a symbolic link, a pipe, a device.</summary>
    SourceNotAFile = 2,

    /// <summary>The file may not be read.</summary>
    SourceAccessDenied = 3,

    /// <summary>Reading the file failed.</summary>
    SourceUnreadable = 4,

    /// <summary>The file changed while it was read.</summary>
    SourceChanged = 5,

    /// <summary>The file is larger than the options allow.</summary>
    SourceTooLarge = 6,

    /// <summary>
    /// The URL cannot carry this request: it names one object and was used for another artifact, it signs a header that
    /// is not supplied, or does not cover an <c>x-amz-*</c> header that was asked for. Or there is none: the manifest or
    /// the provider gave none.
    /// </summary>
    UrlUnusable = 7,

    /// <summary>The presigned URL has expired.</summary>
    UrlExpired = 8,

    /// <summary>
    /// The server, or a proxy on the way to it, refused the request, and would again. Of a folder: this user may not write there,
    /// the file system is read-only, or a symbolic link or something else is in the way.
    /// </summary>
    Refused = 9,

    /// <summary>The server pointed elsewhere; redirects are never followed.</summary>
    Redirected = 10,

    /// <summary>Write-once: there is an object under this key already. Of a folder: a file with other content has the name.</summary>
    AlreadyExists = 11,

    /// <summary>The server could not serve the request, in the last of all attempts.</summary>
    Unavailable = 12,

    /// <summary>The server could not be reached, or the connection broke, in the last of all attempts.</summary>
    Unreachable = 13,

    /// <summary>The connect, request or stall timeout struck, in the last of all attempts.</summary>
    TimedOut = 14,

    /// <summary>The deadline over all attempts.</summary>
    DeadlineExceeded = 15,

    /// <summary>The server's certificate is not trusted or names another host.</summary>
    CertificateRejected = 16,

    /// <summary>The server received or stored other bytes than were sent.</summary>
    IntegrityMismatch = 17,

    /// <summary>The server confirmed no digest, where one is required.</summary>
    Unverified = 18,

    /// <summary>A bug of this library.</summary>
    Internal = 19,

    /// <summary>
    /// The success is not a store's: its body is an HTML page, reports an error, or is not one that a store sends. The
    /// object may be stored.
    /// </summary>
    NotAStore = 20,

    /// <summary>
    /// The URL is presigned, and the success has no mark of a store (ETag, checksum, version or request id), a status that
    /// does not say that the object is stored, or a body that stores do not send, and no digest in it confirms the content:
    /// a proxy or a portal may have answered in place of the store. The object may be stored.
    /// </summary>
    Unconfirmed = 21,

    /// <summary>
    /// This process or its host lacks memory, file descriptors, a home directory or the like, in the last of all attempts. Of a
    /// folder: the disk is full, a quota is used up, or the file system failed.
    /// </summary>
    LocalFault = 22,
}
