namespace CellOS.Export.S3.Core

open System

/// The identity of a cell: one path segment of at most 255 UTF-8 bytes.
type CellId =
    private
    | CellId of string

    override this.ToString() =
        let (CellId value) = this
        value

/// Makes cell ids.
[<RequireQualifiedAccess>]
module CellId =
    /// Not empty, not `.` or `..`, no `/`, `\` or control character, at most 255 UTF-8 bytes, no part of a URL.
    [<CompiledName("Create")>]
    let create (value: string) : Result<CellId, Refusal> =
        match
            Check.segmentProblem value
            |> Option.orElseWith (fun () -> Check.urlProblem value)
        with
        | None -> Ok(CellId value)
        | Some problem ->
            Check.refuse
                "cell id"
                problem
                "Give one path segment: no '/', '\\' or control character, at most 255 bytes, and not '.' or '..'."

    /// The text as it was given.
    [<CompiledName("Value")>]
    let value (CellId value) = value

/// The name of an artifact within its cell: one or more segments, each as a cell id, joined by `/`.
type ArtifactName =
    private
    | ArtifactName of string

    override this.ToString() =
        let (ArtifactName value) = this
        value

/// Makes names of artifacts.
[<RequireQualifiedAccess>]
module ArtifactName =
    let private isPlainSegment (segment: ReadOnlySpan<char>) =
        segment.Length > 0 && segment.Length <= 255 && segment[0] <> '.'

    /// Whether it is of visible ASCII, with nothing that needs a closer look: most names are.
    let private isPlain (value: string) =
        let rec areSegments (first: int) =
            let rest = value.AsSpan first

            match rest.IndexOf '/' with
            | -1 -> isPlainSegment rest
            | stop -> isPlainSegment (rest.Slice(0, stop)) && areSegments (first + stop + 1)

        value.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0
        && not (value.Contains '\\')
        && areSegments 0

    let private firstProblem (value: string) =
        let segments = value.Split '/'

        let rec from i =
            if i = segments.Length then
                None
            else
                match Check.segmentProblem segments[i] with
                | None -> from (i + 1)
                | Some problem when segments.Length = 1 -> Some problem
                | Some _ when segments[i] = "" && i = 0 -> Some "begins with a '/'"
                | Some _ when segments[i] = "" && i = segments.Length - 1 -> Some "ends with a '/'"
                | Some problem -> Some $"has a segment ({i + 1} of {segments.Length}) that {problem}"

        from 0

    /// Segments joined by `/`: none empty, none `.` or `..`, no `\`, no control character, each at most
    /// 255 UTF-8 bytes. A name that contains a credential of a URL is rejected.
    [<CompiledName("Create")>]
    let create (value: string) : Result<ArtifactName, Refusal> =
        let problem =
            if String.IsNullOrEmpty value then
                Some "is empty"
            else
                (if isPlain value then None else firstProblem value)
                |> Option.orElseWith (fun () -> Check.credentialProblem value)

        match problem with
        | None -> Ok(ArtifactName value)
        | Some problem ->
            Check.refuse
                "artifact name"
                problem
                "Give a relative name such as 'logs/stdout.txt', with no empty, '.' or '..' segment."

    /// The text as it was given.
    [<CompiledName("Value")>]
    let value (ArtifactName value) = value

    /// At most 60 characters of it in quotation marks, as receipts have them: a name with a credential is refused.
    let internal quote (ArtifactName value) = Check.inQuotes value

/// The name of an export target in a cell spec.
type TargetName =
    private
    | TargetName of string

    override this.ToString() =
        let (TargetName value) = this
        value

/// Makes names of targets, and what their variables end with.
[<RequireQualifiedAccess>]
module TargetName =
    /// The most characters of a name.
    [<Literal>]
    let private MaxLength = 128

    /// Starts with a letter or digit, then letters, digits, `.`, `_`, `-` (ASCII), without `..`; at most 128 characters.
    [<CompiledName("Create")>]
    let create (value: string) : Result<TargetName, Refusal> =
        let problem =
            if String.IsNullOrEmpty value then
                Some "is empty"
            elif value.Length > MaxLength then
                Some $"is {value.Length} characters long; {MaxLength} are allowed"
            elif not (Char.IsAsciiLetterOrDigit value[0]) then
                Some $"{Check.quote value} does not start with a letter or digit"
            elif
                value
                |> String.exists (fun c -> not (Char.IsAsciiLetterOrDigit c || c = '.' || c = '_' || c = '-'))
            then
                Some $"{Check.quote value} contains a character other than letters, digits, '.', '_' and '-'"
            elif value.Contains("..", StringComparison.Ordinal) then
                Some $"{Check.quote value} contains '..'"
            else
                None

        match problem with
        | None -> Ok(TargetName value)
        | Some problem ->
            Check.refuse
                "target name"
                problem
                "Start with a letter or digit and go on with letters, digits, '.', '_' and '-', without '..', 128 characters at most."

    /// The text as it was given.
    [<CompiledName("Value")>]
    let value (TargetName value) = value

    /// The end of the target's environment variables: upper case, and `_` for all that is no letter or digit.
    /// `artifact-bucket` → `ARTIFACT_BUCKET`.
    [<CompiledName("EnvSuffix")>]
    let envSuffix (TargetName value) =
        value
        |> String.map (fun c -> if Char.IsAsciiLetterOrDigit c then Char.ToUpperInvariant c else '_')

/// The name of a bucket. Names outside the AWS rules are allowed: S3-compatible stores differ.
type Bucket =
    private
    | Bucket of string

    override this.ToString() =
        let (Bucket value) = this
        value

/// Makes names of buckets.
[<RequireQualifiedAccess>]
module Bucket =
    /// Not empty, no `/`, no control character, no part of a URL.
    [<CompiledName("Create")>]
    let create (value: string) : Result<Bucket, Refusal> =
        let problem =
            if String.IsNullOrWhiteSpace value then
                Some "is empty"
            else
                match Check.unprintable value with
                | Some problem -> Some problem
                | None ->
                    match Check.urlProblem value with
                    | None when value.Contains '/' -> Some "holds a '/'"
                    | problem -> problem

        match problem with
        | None -> Ok(Bucket value)
        | Some problem ->
            Check.refuse "bucket" problem "Give the bucket's bare name, without 's3://' and without a key."

    /// The text as it was given.
    [<CompiledName("Value")>]
    let value (Bucket value) = value

/// Reads regions.
[<RequireQualifiedAccess>]
module Region =
    /// The code of a region, trimmed; null and blank mean none. AWS's are such as `us-west-2`, those of other stores
    /// are their own: up to 63 letters, digits, `-`, `_` and `.`. It stands in receipts, so nothing else is let in.
    [<CompiledName("Parse")>]
    let parse (value: string | null) : Result<string option, Refusal> =
        let isAllowed c =
            Char.IsAsciiLetterOrDigit c || c = '-' || c = '_' || c = '.'

        match value with
        | NonNull value when not (String.IsNullOrWhiteSpace value) ->
            let code = value.Trim()

            if code.Length > 63 then
                Check.refuse
                    "region"
                    $"is {code.Length} characters long; 63 are allowed"
                    "Give a region such as 'us-west-2', or leave it out."
            elif not (String.forall isAllowed code) then
                Check.refuse
                    "region"
                    "contains a character other than ASCII letters, digits, '-', '_' and '.'"
                    "Give a region such as 'us-west-2', or leave it out."
            else
                Ok(Some code)
        | _ -> Ok None

/// What stands before the cell id in a key; may be empty. Its outer slashes are taken off.
type KeyPrefix =
    private
    | KeyPrefix of string

    override this.ToString() =
        let (KeyPrefix value) = this
        value

/// Makes prefixes of keys.
[<RequireQualifiedAccess>]
module KeyPrefix =
    /// No prefix.
    [<CompiledName("None")>]
    let none = KeyPrefix ""

    /// The prefix without outer slashes and blanks; null and blank mean none. Slashes inside stay as they are.
    /// Rejected: control characters, URLs, and the segments `.` and `..`, which many stores and proxies do not keep.
    [<CompiledName("Create")>]
    let create (value: string) : Result<KeyPrefix, Refusal> =
        let isOuter c = c = '/' || Char.IsWhiteSpace c

        let trimmed =
            if isNull (box value) then
                ""
            else
                let mutable first = 0
                let mutable stop = value.Length

                while first < stop && isOuter value[first] do
                    first <- first + 1

                while stop > first && isOuter value[stop - 1] do
                    stop <- stop - 1

                value.Substring(first, stop - first)

        let problem =
            match Check.unprintable trimmed with
            | Some problem -> Some problem
            | None when
                trimmed.Split '/'
                |> Array.exists (fun segment -> segment = "." || segment = "..")
                ->
                Some "has a segment '.' or '..'"
            | None -> Check.urlProblem trimmed

        match problem with
        | None -> Ok(KeyPrefix trimmed)
        | Some problem ->
            Check.refuse "key prefix" problem "Give path segments such as 'audit/2026', or leave it out."

    /// The prefix without outer slashes; empty for none.
    [<CompiledName("Value")>]
    let value (KeyPrefix value) = value

/// The address of an object within its bucket: `[key_prefix/]cell_id/artifact_name`, at most 1,024 UTF-8 bytes.
type ObjectKey =
    private
    | ObjectKey of string

    override this.ToString() =
        let (ObjectKey value) = this
        value

/// Makes object keys, and checks their length.
[<RequireQualifiedAccess>]
module ObjectKey =
    /// The most bytes that S3 allows in a key (Amazon S3 User Guide, "Naming Amazon S3 objects").
    [<Literal>]
    let MaxBytes = 1024

    /// `[key_prefix/]cell_id/artifact_name`; refused when longer than 1,024 UTF-8 bytes.
    [<CompiledName("Create")>]
    let create (prefix: KeyPrefix) (cellId: CellId) (artifact: ArtifactName) : Result<ObjectKey, Refusal> =
        let key =
            match KeyPrefix.value prefix with
            | "" -> String.Concat(CellId.value cellId, "/", ArtifactName.value artifact)
            | prefix -> String.Concat [| prefix; "/"; CellId.value cellId; "/"; ArtifactName.value artifact |]

        match Check.utf8Length key with
        | length when length > MaxBytes ->
            Check.refuse
                "object key"
                $"{Check.quote key} is {length} bytes long in UTF-8; S3 allows {MaxBytes}"
                "Shorten the artifact's name, the cell id or the key prefix."
        | _ -> Ok(ObjectKey key)

    /// `cell_id/artifact_name`, for an endpoint that has no keys.
    let internal ofNames (cellId: CellId) (artifact: ArtifactName) : ObjectKey =
        ObjectKey(String.Concat(CellId.value cellId, "/", ArtifactName.value artifact))

    /// The key as S3 stores it, not percent-encoded.
    [<CompiledName("Value")>]
    let value (ObjectKey value) = value

/// The logical address of an exported artifact: `s3://bucket/key`. Never a signature, never a query.
type Destination =
    private
    | Destination of string

    override this.ToString() =
        let (Destination value) = this
        value

/// Makes logical addresses.
[<RequireQualifiedAccess>]
module Destination =
    /// `s3://bucket/key`, not percent-encoded.
    [<CompiledName("Create")>]
    let create (bucket: Bucket) (key: ObjectKey) =
        Destination(String.Concat("s3://", Bucket.value bucket, "/", ObjectKey.value key))

    /// The address of an artifact at an HTTP endpoint: its URL without query and without secrets.
    let internal ofAddress (address: string) = Destination address

    /// The address as text.
    [<CompiledName("Value")>]
    let value (Destination value) = value
