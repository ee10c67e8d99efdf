namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

/// Which operation a presigned PUT is for.
[<RequireQualifiedAccess>]
module internal Operation =

    /// Parameters that make a PUT of an object another operation, and what it is then (Amazon S3 API Reference,
    /// "UploadPart", "PutObjectAcl", "PutObjectTagging", "PutObjectRetention", "PutObjectLegalHold", "RenameObject"; Azure
    /// Blob Storage REST API, `comp`; Alibaba OSS, "AppendObject").
    let private operations = [
        "uploadId", "one part of an upload"
        "partNumber", "one part of an upload"
        "upload_id", "one part of an upload"
        "acl", "the access rights of an object"
        "tagging", "the tags of an object"
        "retention", "the lock on an object"
        "legal-hold", "the lock on an object"
        "renameObject", "the renaming of an object"
        "append", "an append to an object"
        "comp", "another operation on a blob"
        "truncate", "the truncation of an object"
        "modify", "the change of a part of an object"
        "encryption", "the encryption of an object"
        "symlink", "a symbolic link to an object"
        "multipart-manifest", "the manifest of a large object"
        "extract-archive", "the extraction of an archive"
        "compose", "the composition of objects"
        "versionId", "one version of an object"
        "version-id", "one version of an object"
        "generation", "one version of an object"
        "snapshot", "one version of an object"
        "uploads", "the beginning of an upload in parts"
        "metadata", "the metadata of an object"
        "restore", "the restoration of an object"
        "object-lock", "the lock on a bucket"
        "torrent", "the torrent of an object"
        "attributes", "the attributes of an object"
        "select", "a query of an object"
        "delete", "the deletion of objects"
        "list-type", "a list of objects"
        "versions", "a list of objects"
        "location", "the location of a bucket"
        "accelerate", "the settings of a bucket"
        "analytics", "the settings of a bucket"
        "cors", "the settings of a bucket"
        "intelligent-tiering", "the settings of a bucket"
        "inventory", "the settings of a bucket"
        "lifecycle", "the settings of a bucket"
        "logging", "the settings of a bucket"
        "metrics", "the settings of a bucket"
        "notification", "the settings of a bucket"
        "ownershipControls", "the settings of a bucket"
        "publicAccessBlock", "the settings of a bucket"
        "replication", "the settings of a bucket"
        "requestPayment", "the settings of a bucket"
        "versioning", "the settings of a bucket"
        "website", "the settings of a bucket"
        "restype", "another operation on a container"
        "response-content-type", "a download"
        "response-content-disposition", "a download"
        "response-content-encoding", "a download"
        "response-content-language", "a download"
        "response-cache-control", "a download"
        "response-expires", "a download"
    ]

    /// Values of a parameter that make a PUT another operation (Azure Storage REST API, "Path - Create", "Path - Update";
    /// WebHDFS REST API).
    let private byValue =
        let verbs = [ "action"; "op"; "operation" ]

        [
            [ "resource" ],
            [ "file"; "directory"; "filesystem" ],
            "the creation of an empty file or directory"
            verbs, [ "append" ], "an append to an object"
            verbs, [ "flush"; "setProperties"; "setAccessControl" ], "another operation on a blob"
            verbs, [ "truncate" ], "the truncation of an object"
            verbs, [ "concat"; "compose" ], "the composition of objects"
            verbs, [ "rename"; "move" ], "the renaming of an object"
            verbs, [ "copy" ], "a copy of another object"
            verbs, [ "delete"; "remove" ], "the deletion of objects"
            verbs, [ "mkdir"; "mkdirs" ], "the creation of an empty file or directory"
        ]

    /// Parameters that web frameworks read in place of the request's method.
    let private methods = [ "_method"; "http_method"; "httpMethod"; "_httpMethod" ]

    /// The parameters that nearly every URL has.
    let private usual =
        HashSet(
            [
                "X-Amz-Algorithm"
                "X-Amz-Credential"
                "X-Amz-Date"
                "X-Amz-Expires"
                "X-Amz-Security-Token"
                "X-Amz-SignedHeaders"
                "X-Amz-Signature"
                "x-id"
                // Of a signature, where it is a parameter.
                "X-Obs-Expires"
            ],
            StringComparer.OrdinalIgnoreCase
        )

    /// The operation of a PUT whose presigner put a header into the query.
    let private ofHeader (name: string) =
        if
            name.StartsWith("x-", StringComparison.OrdinalIgnoreCase)
            && not (usual.Contains name)
        then
            OperationHeaders.operation name
        else
            None

    /// What follows the name in a sentence is reported elsewhere.
    let private isPutObject (id: string) =
        id.StartsWith("PutObject", StringComparison.Ordinal)
        && not (String.exists Char.IsLetterOrDigit (id.Substring "PutObject".Length))

    let private isMeant has value (names: string list, values: string list, _: string) =
        names
        |> List.exists (fun name ->
            has name
            && values
               |> List.exists (fun known -> known.Equals(value name, StringComparison.OrdinalIgnoreCase)))

    /// The operation of a PUT with these parameters; `None` for an upload of a whole object.
    let other (names: string seq) (has: string -> bool) (value: string -> string) : string option =
        match operations |> List.tryFind (fun (name, _) -> has name) with
        | Some(_, operation) -> Some operation
        | None when byValue |> List.exists (isMeant has value) ->
            byValue
            |> List.find (isMeant has value)
            |> fun (_, _, operation) -> Some operation
        // CloudFront has a parameter of this name, too.
        | None when has "policy" && not (has "Key-Pair-Id") -> Some "the policy of a bucket"
        | None when methods |> List.exists has -> Some "a request with another method"
        | None when (value "X-Amz-Content-Sha256").StartsWith("STREAMING", StringComparison.OrdinalIgnoreCase) ->
            Some "an upload in chunks that carry signatures"
        | None when has "x-id" && not (isPutObject (value "x-id")) ->
            let id = value "x-id"

            if QuerySecrets.isHarmless "x-id" id then
                Some $"another operation (x-id={Check.quote id})"
            else
                Some "another operation (in x-id)"
        | None -> names |> Seq.tryPick ofHeader
