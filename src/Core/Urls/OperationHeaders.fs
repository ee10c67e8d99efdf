namespace CellOS.Export.S3.Core

open System
open System.IO.Enumeration

/// The request headers that make a PUT another operation than an upload of the whole file, in the dialects of stores
/// and gateways.
///
/// Rules that this module keeps (Amazon S3 API Reference, "CopyObject", "RenameObject"; Azure Storage REST API, "Copy
/// Blob", "Put Page", "Create File", "Path - Create"; Google Cloud Storage, resumable uploads; OpenStack Swift API, "Create
/// or replace object"; Oracle Object Storage, pre-authenticated requests; MinIO, "Snowball auto-extract"):
/// - names match without regard to case, and `*` stands for any characters;
/// - metadata of the user's own (`x-amz-meta-…`) is free, except where a pattern names it.
[<RequireQualifiedAccess>]
module internal OperationHeaders =

    [<Literal>]
    let private Copy = "a copy of another object"

    [<Literal>]
    let private Step = "a step of an upload in parts"

    [<Literal>]
    let private Partial = "a change of a part of an object"

    [<Literal>]
    let private Link = "a link to another object"

    [<Literal>]
    let private Manifest = "the manifest of a large object"

    [<Literal>]
    let private Extraction = "the extraction of an archive into several objects"

    [<Literal>]
    let private Method = "a request with another method"

    [<Literal>]
    let private Address = "a request to another address"

    [<Literal>]
    let private Expiring = "an object that the store deletes after a time"

    /// The pattern of the names in lower case, and what the request is then.
    let table: (string * string) list = [
        "x-*-copy-source*", Copy
        "x-copy-from*", Copy
        "x-ms-copy-*", Copy
        "x-ms-source-*", Copy
        "x-*-rename-source*", "the renaming of an object"
        "x-object-manifest", Manifest
        "x-static-large-object", Manifest
        "x-*symlink-target*", Link
        "x-goog-resumable", Step
        "x-goog-upload-*", Step
        "x-upload-*", Step
        "upload-*", Step
        "tus-*", Step
        "oc-chunk*", Step
        "opc-multipart", Step
        "range", Partial
        "content-range", Partial
        "x-ms-range", Partial
        "x-update-range", Partial
        "x-amz-write-offset-bytes", Partial
        "x-ms-write", Partial
        "x-ms-page-write", Partial
        "x-ms-blob-condition-appendpos", Partial
        "x-ms-blob-condition-maxsize", Partial
        "x-ms-blob-content-length", "the creation of an empty blob or file"
        "x-ms-content-length", "the creation of an empty blob or file"
        "x-ms-type", "the creation of an empty blob or file"
        "x-ms-lease-action", "a lease of a blob"
        "x-ms-undelete-source", "the restoration of an object"
        "x-delete-after", Expiring
        "x-delete-at", Expiring
        "x-obs-expires", Expiring
        "x-ms-expiry-*", Expiring
        "x-minio-source-*", "the replication of an object"
        "x-amz-snowball-*", Extraction
        "x-amz-meta-snowball-*", Extraction
        "x-amz-meta-minio-snowball-*", Extraction
        "http-method*", Method
        "x-http-method*", Method
        "x-method*", Method
        "x-original-method", Method
        "x-forwarded-method", Method
        "forwarded", Address
        "x-forwarded-host", Address
        "x-forwarded-path", Address
        "x-forwarded-prefix", Address
        "x-forwarded-uri", Address
        "x-original-host", Address
        "x-original-uri", Address
        "x-original-url", Address
        "x-rewrite-url", Address
    ]

    let private isMetadata (name: string) =
        name.Contains("-meta-", StringComparison.OrdinalIgnoreCase)

    /// Returns what a request with a header of this name is; `None` for an upload of the whole file.
    let operation (name: string) : string option =
        table
        |> List.tryFind (fun (pattern, _) ->
            FileSystemName.MatchesSimpleExpression(pattern.AsSpan(), name.AsSpan(), ignoreCase = true)
            && (isMetadata pattern || not (isMetadata name)))
        |> Option.map snd
