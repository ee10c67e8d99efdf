namespace CellOS.Export.S3.Core

open System
open System.Globalization
open System.Text

/// Why a value was refused: what it was meant to be, what is wrong with it, and what to do.
/// No part of it holds a secret: whatever is quoted from the input went through `Redaction.text`.
type Refusal = {
    /// What was refused, in the words of the documentation: `cell id`, `upload URL`, …
    Subject: string
    /// What is wrong with it.
    Problem: string
    /// What the operator or the caller can do about it.
    Remedy: string
} with

    /// One sentence for people.
    member this.Message = $"The {this.Subject} {this.Problem}. {this.Remedy}"
    override this.ToString() = this.Message

/// Checks that several kinds of text share.
module internal Check =

    let refuse subject problem remedy =
        Error {
            Subject = subject
            Problem = problem
            Remedy = remedy
        }

    let utf8Length (value: string) = Encoding.UTF8.GetByteCount value

    /// Numbers are the same for every reader, whatever the culture of the process.
    let invariant (text: FormattableString) =
        text.ToString CultureInfo.InvariantCulture

    /// At most so many characters of a text; no pair of surrogates is cut.
    let shorten (most: int) (value: string) =
        if value.Length <= most then
            value
        elif Char.IsHighSurrogate value[most - 1] then
            value.Substring(0, most - 1) + "…"
        else
            value.Substring(0, most) + "…"

    /// A text on one line, in which nothing hides: what a terminal would act on or not show is written out.
    let visible (value: string) =
        let shown = StringBuilder(value.Length)

        for rune in value.EnumerateRunes() do
            match Rune.GetUnicodeCategory rune with
            | UnicodeCategory.Control
            | UnicodeCategory.Format
            | UnicodeCategory.LineSeparator
            | UnicodeCategory.ParagraphSeparator -> shown.Append($"\\u{rune.Value:X4}") |> ignore
            | _ -> shown.Append(rune.ToString()) |> ignore

        shown.ToString()

    /// At most 60 characters of an input, visible and without secrets, for an error message.
    let quote (value: string) =
        let redacted = Redaction.text value

        let cut =
            redacted.EnumerateRunes()
            |> Seq.truncate 60
            |> Seq.map string
            |> String.concat ""

        let more = if cut.Length < redacted.Length then "…" else ""
        $"'{visible cut}{more}'"

    /// The first control character, or the first half of a surrogate pair that lacks the other half
    /// (which has no UTF-8 form, so two different names would become the same key).
    let unprintable (value: string) =
        let rec from i =
            if i >= value.Length then
                None
            elif Char.IsControl value[i] then
                Some $"holds the control character U+%04X{int value[i]} at position {i + 1}"
            elif Char.IsSurrogatePair(value, i) then
                from (i + 2)
            elif Char.IsSurrogate value[i] then
                Some $"holds half of a surrogate pair (U+%04X{int value[i]}) at position {i + 1}"
            else
                from (i + 1)

        from 0

    /// What keeps a text from being one segment of a path.
    let segmentProblem (value: string) =
        if String.IsNullOrEmpty value then
            Some "is empty"
        elif value = "." || value = ".." then
            Some $"is {quote value}, which a path does not keep"
        else
            match unprintable value with
            | Some problem -> Some problem
            | None when value.Contains '/' -> Some "holds a '/'"
            | None when value.Contains '\\' -> Some "holds a '\\'"
            | None when utf8Length value > 255 ->
                Some $"is {utf8Length value} bytes long in UTF-8; 255 are allowed"
            | None -> None

/// The identity of a cell: one path segment of at most 255 UTF-8 bytes.
type CellId =
    private
    | CellId of string

    override this.ToString() =
        let (CellId value) = this
        value

[<RequireQualifiedAccess>]
module CellId =
    /// Not empty, not `.` or `..`, no `/`, `\` or control character, at most 255 UTF-8 bytes.
    [<CompiledName("Create")>]
    let create (value: string) : Result<CellId, Refusal> =
        match Check.segmentProblem value with
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

[<RequireQualifiedAccess>]
module ArtifactName =
    let private firstProblem (value: string) =
        let segments = value.Split '/'

        segments
        |> Seq.mapi (fun i segment -> i, segment)
        |> Seq.tryPick (fun (i, segment) ->
            Check.segmentProblem segment
            |> Option.map (fun problem ->
                if segments.Length = 1 then problem
                elif segment = "" && i = 0 then "begins with a '/'"
                elif segment = "" && i = segments.Length - 1 then "ends with a '/'"
                else $"has a segment ({i + 1} of {segments.Length}) that {problem}"))

    /// Segments joined by `/`: none empty, none `.` or `..`, no `\`, no control character, each at most
    /// 255 UTF-8 bytes.
    [<CompiledName("Create")>]
    let create (value: string) : Result<ArtifactName, Refusal> =
        match (if String.IsNullOrEmpty value then Some "is empty" else firstProblem value) with
        | None -> Ok(ArtifactName value)
        | Some problem ->
            Check.refuse
                "artifact name"
                problem
                "Give a relative name such as 'logs/stdout.txt', with no empty, '.' or '..' segment."

    /// The text as it was given.
    [<CompiledName("Value")>]
    let value (ArtifactName value) = value

/// The name of an export target in a cell spec.
type TargetName =
    private
    | TargetName of string

    override this.ToString() =
        let (TargetName value) = this
        value

[<RequireQualifiedAccess>]
module TargetName =
    /// Starts with a letter or digit, then letters, digits, `.`, `_`, `-` (ASCII); at most 63 characters.
    [<CompiledName("Create")>]
    let create (value: string) : Result<TargetName, Refusal> =
        let problem =
            if String.IsNullOrEmpty value then
                Some "is empty"
            elif value.Length > 63 then
                Some $"is {value.Length} characters long; 63 are allowed"
            elif not (Char.IsAsciiLetterOrDigit value[0]) then
                Some $"{Check.quote value} does not start with a letter or digit"
            elif
                value
                |> Seq.exists (fun c -> not (Char.IsAsciiLetterOrDigit c || c = '.' || c = '_' || c = '-'))
            then
                Some $"{Check.quote value} holds a character that is no letter, digit, '.', '_' or '-'"
            else
                None

        match problem with
        | None -> Ok(TargetName value)
        | Some problem ->
            Check.refuse
                "target name"
                problem
                "Start with a letter or digit and go on with letters, digits, '.', '_' and '-', 63 characters at most."

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

[<RequireQualifiedAccess>]
module Bucket =
    /// Not empty, no `/`, no control character.
    [<CompiledName("Create")>]
    let create (value: string) : Result<Bucket, Refusal> =
        let problem =
            if String.IsNullOrWhiteSpace value then
                Some "is empty"
            else
                match Check.unprintable value with
                | Some problem -> Some problem
                | None when value.Contains '/' -> Some "holds a '/'"
                | None -> None

        match problem with
        | None -> Ok(Bucket value)
        | Some problem ->
            Check.refuse "bucket" problem "Give the bucket's bare name, without 's3://' and without a key."

    /// The text as it was given.
    [<CompiledName("Value")>]
    let value (Bucket value) = value

/// The address of an object within its bucket: `[key_prefix/]cell_id/artifact_name`, at most 1,024 UTF-8 bytes.
type ObjectKey =
    private
    | ObjectKey of string

    override this.ToString() =
        let (ObjectKey value) = this
        value

/// What stands before the cell id in a key; may be empty. Its outer slashes are taken off.
type KeyPrefix =
    private
    | KeyPrefix of string

    override this.ToString() =
        let (KeyPrefix value) = this
        value

[<RequireQualifiedAccess>]
module KeyPrefix =
    /// No prefix.
    [<CompiledName("None")>]
    let none = KeyPrefix ""

    /// The prefix without outer slashes and blanks; null and blank mean none. Slashes inside stay as they are.
    /// Refused: control characters, and the segments `.` and `..`, which many stores and proxies do not keep.
    [<CompiledName("Create")>]
    let create (value: string) : Result<KeyPrefix, Refusal> =
        let isOuter c = c = '/' || Char.IsWhiteSpace c

        let trimmed =
            if isNull (box value) then
                ""
            else
                let first = value |> Seq.tryFindIndex (isOuter >> not)
                let last = value |> Seq.tryFindIndexBack (isOuter >> not)

                match first, last with
                | Some first, Some last -> value.Substring(first, last - first + 1)
                | _ -> ""

        let problem =
            match Check.unprintable trimmed with
            | Some problem -> Some problem
            | None when
                trimmed.Split '/'
                |> Array.exists (fun segment -> segment = "." || segment = "..")
                ->
                Some "has a segment '.' or '..'"
            | None -> None

        match problem with
        | None -> Ok(KeyPrefix trimmed)
        | Some problem ->
            Check.refuse "key prefix" problem "Give path segments such as 'audit/2026', or leave it out."

    /// The prefix without outer slashes; empty for none.
    [<CompiledName("Value")>]
    let value (KeyPrefix value) = value

[<RequireQualifiedAccess>]
module ObjectKey =
    /// The most bytes that S3 allows in a key (Amazon S3 User Guide, "Naming Amazon S3 objects").
    [<Literal>]
    let MaxBytes = 1024

    /// `[key_prefix/]cell_id/artifact_name`; refused when longer than 1,024 UTF-8 bytes.
    [<CompiledName("Create")>]
    let create (prefix: KeyPrefix) (cellId: CellId) (artifact: ArtifactName) : Result<ObjectKey, Refusal> =
        let below = $"{CellId.value cellId}/{ArtifactName.value artifact}"

        let key =
            match KeyPrefix.value prefix with
            | "" -> below
            | prefix -> $"{prefix}/{below}"

        match Check.utf8Length key with
        | length when length > MaxBytes ->
            Check.refuse
                "object key"
                $"{Check.quote key} is {length} bytes long in UTF-8; S3 allows {MaxBytes}"
                "Shorten the artifact's name, the cell id or the key prefix."
        | _ -> Ok(ObjectKey key)

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

[<RequireQualifiedAccess>]
module Destination =
    /// `s3://bucket/key`, not percent-encoded.
    [<CompiledName("Create")>]
    let create (bucket: Bucket) (key: ObjectKey) =
        Destination $"s3://{Bucket.value bucket}/{ObjectKey.value key}"

    /// The address as text.
    [<CompiledName("Value")>]
    let value (Destination value) = value
