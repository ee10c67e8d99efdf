namespace CellOS.Export.S3.Core

open System

/// Headers and the signature of a presigned URL, held against each other before anything is sent.
///
/// Rules that this module keeps (Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters"):
/// - a SigV4 signature covers the headers that it names: one of them that is not sent breaks it, and S3 answers 403 to
///   an `x-amz-*` header that it does not name. Other headers may go along unsigned;
/// - SigV2 covers all `x-amz-*` headers and names none, and a URL without a signature is a gateway's: both are let pass;
/// - a customer's key never goes in the clear;
/// - what was presigned is an upload of the whole object. S3 answers 200 to one part of an upload, too, and to tags and
///   access rights, and there is no object that holds the file.
[<RequireQualifiedAccess>]
module internal HeaderCoverage =

    let private refusal problem remedy = {
        Subject = "upload URL"
        Problem = problem
        Remedy = remedy
    }

    let private uncovered (names: string list) =
        match names with
        | [] -> []
        | names -> [
            refusal
                $"has a signature that does not cover {RequestHeader.shownNames names}: S3 answers 403 to that"
                "Presign with it (X-Amz-SignedHeaders), or do not ask for it."
          ]

    /// A presigner may have put a header into the query. Whether a store reads it from there is its own affair, and
    /// beside it the header is still one that nobody signed.
    let private inQuery (names: string list) =
        match names with
        | [] -> []
        | names -> [
            refusal
                $"carries {RequestHeader.shownNames names} in its query, and its signature does not cover the header of this name: S3 answers 403 to both"
                "Presign with it as a header (an SDK may call that unhoistable), or do not ask for it."
          ]

    /// Parameters that make a PUT of an object another operation (Amazon S3 API Reference, "UploadPart",
    /// "PutObjectAcl", "PutObjectTagging", "PutObjectRetention", "PutObjectLegalHold", "RenameObject"), and what it is
    /// then. A copy's source is a header, which a presigner may have put there.
    let private operation (parameter: string) =
        match parameter with
        | "uploadid"
        | "partnumber" -> Some "one part of an upload"
        | "acl" -> Some "the access rights of an object"
        | "tagging" -> Some "the tags of an object"
        | "retention"
        | "legal-hold" -> Some "the lock on an object"
        | "renameobject" -> Some "the renaming of an object"
        | "x-amz-copy-source" -> Some "the copy of an object"
        | _ -> None

    /// A gateway may mean what it likes by its parameters: only what S3 signs is judged.
    let private otherOperation (url: RequestUrl) (inspected: PresignedUrl) =
        if inspected.Signature = UrlSignature.Unsigned then
            []
        else
            let operations = [
                for parameter in PresignedUrl.parameterNames url do
                    match operation parameter with
                    | Some operation -> operation
                    | None -> ()
            ]

            match operations with
            | [] -> []
            | operation :: _ -> [
                refusal
                    $"is presigned for {operation}, and not for an upload of the whole object"
                    "Presign a PutObject: a receipt is for an object that holds the file and nothing else."
              ]

    let private inTheClear (url: RequestUrl) (headers: RequestHeader list) =
        if
            RequestUrl.isPlaintext url
            && headers
               |> List.exists (fun header -> RequestHeader.key header = RequestHeader.CustomerKey)
        then
            [
                refusal
                    $"is http, and {Check.quote RequestHeader.CustomerKey} would go over the network in the clear"
                    "Use https: S3 refuses a customer's key without it."
            ]
        else
            []

    /// What keeps a request with these headers from being sent to the URL.
    let problems (url: RequestUrl) (inspected: PresignedUrl) (headers: RequestHeader list) : Refusal list =
        let unsigned =
            PresignedUrl.unsignedHeaders [ for header in headers -> RequestHeader.key header ] inspected

        let hoisted, plain =
            if unsigned.IsEmpty then
                [], []
            else
                let parameters = PresignedUrl.parameterNames url
                unsigned |> List.partition (fun name -> List.contains name parameters)

        otherOperation url inspected
        @ uncovered plain
        @ inQuery hoisted
        @ inTheClear url headers

    /// How to supply headers that a signature covers (names in lower case), for a target of this name.
    let remedy (target: TargetName option) (names: string list) : string =
        let variable (stem: string) =
            match target with
            | Some target -> $" ({Variable.forTarget target stem}=1)"
            | None -> ""

        let ways =
            names
            |> List.map (fun name ->
                match name with
                | "content-type" -> "give it as ContentType (push --header)"
                | "if-none-match" -> $"set WriteOnce{variable Variable.WriteOnce}"
                | name when RequestHeader.isFree name -> "give it in Headers (push --header)"
                | _ -> "")
            |> List.filter (fun way -> way <> "")
            |> List.distinct

        String.Join(
            "; ",
            ways
            @ [ if ways.IsEmpty then "presign without it" else "or presign without it" ]
        )

    /// The same as a sentence.
    let sentence (target: TargetName) (names: string list) : string =
        let remedy = remedy (Some target) names
        $"{Char.ToUpperInvariant remedy[0]}{remedy.Substring 1}."
