namespace CellOS.Export.S3.Core

open System

/// What to do about an error of a store, where its code alone says it. The operators' document lists the same codes.
[<RequireQualifiedAccess>]
module CodeAdvice =

    let private onKms =
        "Ask the store's administrator to enable the KMS key that encrypts the bucket, or to choose another key. The URL stays valid until it expires."

    let private onObjectLock =
        "The x-amz-object-lock-… headers do not fit the bucket. Ask the presigner for a URL without them, or with a valid mode and a date in the future. Or ask the store's administrator to enable Object Lock."

    let private onEncryption =
        "Encryption headers (x-amz-server-side-encryption-…) are missing or wrong. Ask the presigner to sign those that the bucket needs, and give the same in push --header. SSE-C needs algorithm, key and key MD5."

    let private onAccount =
        "The store has blocked the account, often over a bill or a contract. Ask the owner of the account to settle it with the provider. The URL and this machine are not the cause."

    let private onKey =
        "Shorten the artifact's name, the cell id or the key prefix: a key has at most 1,024 bytes. Then ask the presigner for a URL for the new key."

    let private onAccessKey =
        "The access key that signed the URL does not exist, or no longer, or belongs to another store. Ask the presigner for a new URL."

    let private onChecksum =
        "The body that arrived has another checksum than the request says. Ask the presigner for a URL for this file, without a checksum in its query. Otherwise look for a proxy that alters bodies or headers."

    let private table: (string list * string) list = [
        [
            "KMS.DisabledException"
            "KMS.NotFoundException"
            "KMS.KMSInvalidStateException"
        ],
        onKms
        [ "InvalidToken" ],
        "The session token in the URL does not fit the access key, or was cut. Compare the URL with the presigner's, character for character. If they are equal, ask the presigner for a new session and URL."
        [ "AccessControlListNotSupported" ],
        "The bucket does not accept ACLs. Ask the presigner for a URL without x-amz-acl and x-amz-grant-…, and remove them from push --header (in code: Headers)."
        [ "MissingContentLength" ],
        "This program always sends Content-Length, so a proxy or gateway on the way removed it. Ask its administrator to leave PUT requests unchanged, or add the host to NO_PROXY."
        [ "InvalidStorageClass" ],
        "Ask the store's administrator which storage classes the bucket accepts. The presigner must sign x-amz-storage-class with one of them; give the same in push --header (in code: Headers)."
        [
            "ObjectLockConfigurationNotFoundError"
            "NoSuchObjectLockConfiguration"
            "InvalidRetentionPeriod"
        ],
        onObjectLock
        [
            "AccountProblem"
            "AllAccessDisabled"
            "NotSignedUp"
            "UserSuspended"
            "AccountIsDisabled"
            "UserDisable"
            "InArrearOrInsufficientBalance"
        ],
        onAccount
        [ "InvalidBucketState"; "InvalidObjectState" ],
        "The bucket or object is in a state that accepts no upload: being created, moved, archived, locked or deleted. Ask the store's administrator, then export again."
        [
            "MissingSecurityHeader"
            "InvalidEncryptionAlgorithmError"
            "ServerSideEncryptionConfigurationNotFoundError"
        ],
        onEncryption
        [ "EntityTooLarge" ],
        "The artifact is too large for one PUT to this server (Amazon S3 accepts 5 GiB); split it."
        [ "KeyTooLongError"; "KeyTooLong" ], onKey
        [ "MetadataTooLarge" ],
        "S3 accepts 2 KB of metadata: shorten the names and values of the x-amz-meta-… headers."
        [ "RequestHeaderSectionTooLarge" ],
        "S3 accepts 8 KB of headers: shorten those of push --header (in code: Headers), or ask the network administrator whether a proxy adds some."
        [ "InvalidAccessKeyId"; "InvalidSecurity" ], onAccessKey
        [ "NoSuchBucket" ], "Create the bucket, or ask the presigner for a URL with the right bucket name."
        [ "InvalidBucketName" ],
        "The bucket's name in the URL is not valid. Ask the presigner for a URL with the right bucket name."
        [ "NoSuchUpload"; "MalformedXML"; "NoSuchVersion" ],
        "The URL is for another operation than an upload of a whole object. Ask the presigner for a URL for PutObject."
        [ "MethodNotAllowed" ],
        "This address accepts no PUT: it may be a website endpoint, a console or a gateway. Ask the presigner for a URL on the store's S3 endpoint."
        [
            "BadDigest"
            "InvalidDigest"
            "XAmzContentSHA256Mismatch"
            "XAmzContentChecksumMismatch"
            "ContentChecksumMismatch"
        ],
        onChecksum
    ]

    /// The codes with advice of their own.
    [<CompiledName("Codes")>]
    let codes: string list = table |> List.collect fst

    /// Returns what to do about the code. Every code of a KMS is about its key.
    [<CompiledName("TryFind")>]
    let tryFind (code: string) : string option =
        match table |> List.tryFind (fun (codes, _) -> List.contains code codes) with
        | Some(_, advice) -> Some advice
        | None when code.StartsWith("KMS.", StringComparison.Ordinal) -> Some onKms
        | None -> None

    /// Returns what to do about an error whose code is used for many causes (`InvalidRequest`, `InvalidArgument`,
    /// `AccessDenied`), by the words of the store.
    let internal tryFindByWords (words: string) : string option =
        let says (text: string) =
            words.Contains(text, StringComparison.OrdinalIgnoreCase)

        if says "kms:" || says "KMS key" then
            Some
                "Ask the store's administrator to allow the key that signed the URL to use the bucket's KMS key (kms:GenerateDataKey), or to enable that KMS key. The URL stays valid until it expires."
        elif
            says "server side encryption"
            || says "server-side encryption"
            || says "server-side-encryption"
            || says "SSE-"
        then
            Some onEncryption
        elif says "object lock" || says "object-lock" || says "retain until" || says "WORM" then
            Some onObjectLock
        elif says "storage class" || says "storage-class" then
            tryFind "InvalidStorageClass"
        else
            None
