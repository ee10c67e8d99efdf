module CellOS.Export.S3.Core.Tests.IdentityTests

open System
open System.Text
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators

// The rules once more, in other words than the code's.

let private isText (text: string) = not (isNull (box text))

let private wellFormed (text: string) =
    try
        UTF8Encoding(false, true).GetByteCount text |> ignore
        true
    with :? EncoderFallbackException ->
        false

let private isSegment (text: string) =
    isText text
    && not (List.contains text [ ""; "."; ".." ])
    && text
       |> Seq.forall (fun c -> c <> '/' && c <> '\\' && c >= ' ' && not (c >= '\127' && c <= '\u009f'))
    && wellFormed text
    && Encoding.UTF8.GetBytes(text).Length <= 255

let private isTargetName (text: string) =
    isText text
    && RegularExpressions.Regex.IsMatch(text, @"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\z")
    && not (text.Contains "..")

let private isBucket (text: string) =
    isText text
    && text.Trim() <> ""
    && text |> Seq.forall (fun c -> c <> '/' && not (Char.IsControl c))
    && wellFormed text
    && not (Redaction.looksLikeUrl text)

let private agree
    (what: string)
    (expected: bool)
    (result: Result<'a, Refusal>)
    (back: 'a -> string)
    (text: string)
    =
    match result with
    | Ok value ->
        Expect.isTrue expected $"{what} must be refused"
        Expect.equal (back value) text "the value is kept as it was given"
        Expect.equal (string (box value)) text "it shows as its text"
    | Error refusal ->
        Expect.isFalse expected $"{what} must be accepted: {refusal}"
        Expect.stringStarts refusal.Message $"The {what} " "the message says what was refused"
        Expect.isFalse (refusal.Message |> Seq.exists Char.IsControl) "the message is one line"
        Expect.isTrue (refusal.Message.Length < 500) "the message is short"

let private texts = Gen.frequency [ 2, anyTextOrNull; 2, segment; 1, artifactText ]

/// Texts without what makes a name a credential (`X-Amz-Signature=…`, `user:password@`).
let private withoutCredential =
    texts
    |> Gen.where (fun text -> isNull (box text) || text.IndexOfAny [| '='; '@' |] < 0)

let private nameText =
    gen {
        let! head = Gen.elements [ "a"; "Z"; "0"; "-"; "."; "_"; ""; "é"; "٣" ]
        let! body = alphanumeric 0 66
        let! tail = Gen.elements [ ""; "-"; "."; "_"; "é"; " "; "\n"; "/" ]
        return head + body + tail
    }

let private length count = String('a', count)

let private half (code: int) = string (char code)

[<Tests>]
let names =
    testList "Identity" [
        propertyTimes 500 "a cell id is one segment" texts (fun text ->
            agree
                "cell id"
                (isSegment text && not (Redaction.looksLikeUrl text))
                (CellId.create text)
                CellId.value
                text)

        propertyTimes 500 "an artifact name is segments joined by slashes" withoutCredential (fun text ->
            let expected = isText text && text.Split '/' |> Array.forall isSegment
            agree "artifact name" expected (ArtifactName.create text) ArtifactName.value text)

        propertyTimes
            500
            "a target name is of letters, digits and three signs"
            (Gen.frequency [ 3, nameText; 1, texts ])
            (fun text ->
                agree "target name" (isTargetName text) (TargetName.create text) TargetName.value text)

        propertyTimes 300 "a bucket is of anything but slashes, controls and URLs" texts (fun text ->
            agree "bucket" (isBucket text) (Bucket.create text) Bucket.value text)

        table
            "which names are segments"
            [
                "a", true
                "", false
                ".", false
                "..", false
                "...", true
                ".hidden", true
                "a b", true
                "%2F", true
                "{artifact_name}", true
                "a/b", false
                @"a\b", false
                "a\tb", false
                "a\u0085b", false
                "a\127", false
                half 0xd800, false
                half 0xdc00 + half 0xd800, false
                "a" + half 0xdbff + "b", false
                half 0xdfff, false
                "𝄞", true
                length 255, true
                length 256, false
                String.replicate 127 "é" + "a", true
                String.replicate 128 "é", false
                String.replicate 63 "𝄞" + "abc", true
                String.replicate 64 "𝄞", false
            ]
            (fun (text, _) -> (CellId.create text).IsOk, (ArtifactName.create text).IsOk)
            (fun (text, expected) -> expected, expected || text = "a/b")

        table
            "which artifact names are none, and why"
            [
                "/a", "begins with a '/'"
                "a/", "ends with a '/'"
                "a//b", "segment (2 of 3) that is empty"
                "a/../b", "segment (2 of 3) that is '..'"
                "", "is empty"
            ]
            (fun (text, why) ->
                match ArtifactName.create text with
                | Ok _ -> false
                | Error refusal -> refusal.Problem.Contains why)
            (fun _ -> true)

        property
            "a target's variables end in upper case, digits and underscores"
            (nameText |> Gen.filter isTargetName)
            (fun text ->
                match TargetName.create text with
                | Error refusal -> failtest refusal.Message
                | Ok name ->
                    let suffix = TargetName.envSuffix name
                    Expect.isMatch suffix @"\A[A-Z0-9_]+\z" "only what a variable may hold"
                    Expect.equal suffix.Length text.Length "one character for each"

                    Expect.sequenceEqual
                        (suffix |> Seq.map (fun c -> Char.IsAsciiLetterOrDigit c))
                        (text |> Seq.map (fun c -> Char.IsAsciiLetterOrDigit c))
                        "letters and digits stay")

        table
            "the ends of variables"
            [
                "artifact-bucket", Ok "ARTIFACT_BUCKET"
                "a-b", Ok "A_B"
                "a_b", Ok "A_B"
                "9.x", Ok "9_X"
                "i", Ok "I"
                "-a", Error()
                "ı", Error()
                length 128, Ok(length(128).ToUpperInvariant())
                length 129, Error()
                "a.b", Ok "A_B"
                "a..b", Error()
                "a...", Error()
            ]
            (fst
             >> TargetName.create
             >> Result.map TargetName.envSuffix
             >> Result.mapError ignore)
            snd
    ]

let private cell =
    CellId.create "c" |> Result.defaultWith (fun r -> failwith r.Message)

[<Tests>]
let keys =
    testList "Object key" [
        table
            "a prefix loses its outer slashes and blanks, and nothing else"
            [
                Unchecked.defaultof<string>, Ok ""
                "", Ok ""
                " ", Ok ""
                "/", Ok ""
                "a", Ok "a"
                "/a/b/", Ok "a/b"
                "//a//b//", Ok "a//b"
                " / a / ", Ok "a"
                "/ /", Ok ""
                "a b", Ok "a b"
                "a/..", Error()
                "./a", Error()
                "a\tb", Error()
                half 0xd800, Error()
            ]
            (fst >> KeyPrefix.create >> Result.map KeyPrefix.value >> Result.mapError ignore)
            snd

        table
            "a URL is neither a prefix nor a bucket, and its query is not shown"
            [
                for query in
                    [
                        "X-Goog-Signature=5ecret"
                        "sig=5ecret"
                        "foo=5ecret"
                        "5ecret"
                        "a=1 5ecret"
                    ] do
                    $"https://h/x?{query}"
                    $"a/https://h/x?{query}"
                    $"https%%3A%%2F%%2Fh%%2Fx%%3F{query}"

                "https://h/x"
                "https://user:5ecret@h/x"
                "h/x?foo=5ecret"
                "x?foo=5ecret"
                "s3://bucket/prefix"
            ]
            (fun text ->
                [
                    KeyPrefix.create text |> Result.map KeyPrefix.value
                    Bucket.create text |> Result.map Bucket.value
                ]
                |> List.map (function
                    | Ok value -> value
                    | Error refusal when
                        refusal.Message.Contains "URL" && not (refusal.Message.Contains "5ecret")
                        ->
                        "refused"
                    | Error refusal -> refusal.Message))
            (fun _ -> [ "refused"; "refused" ])

        propertyTimes 300 "a prefix is stable" anyTextOrNull (fun text ->
            match KeyPrefix.create text with
            | Error refusal -> Expect.stringStarts refusal.Message "The key prefix " "says what"
            | Ok prefix ->
                let value = KeyPrefix.value prefix
                Expect.isFalse (value.StartsWith '/' || value.EndsWith '/') "no outer slash"

                Expect.equal
                    (KeyPrefix.create value |> Result.map KeyPrefix.value)
                    (Ok value)
                    "a prefix made from a prefix is the same")

        propertyTimes
            300
            "a key is prefix, cell and artifact, and its address is s3://bucket/key"
            (Gen.zip
                (Gen.zip (Gen.elements [ ""; "/"; "audit/2026"; "/x/"; length 1019 ]) bucket)
                (Gen.zip cellId artifact))
            (fun ((prefix, bucket), (cellId, artifact)) ->
                let prefix = KeyPrefix.create prefix |> Result.defaultValue KeyPrefix.none

                let expected =
                    [ KeyPrefix.value prefix; CellId.value cellId; ArtifactName.value artifact ]
                    |> List.filter (fun part -> part <> "")
                    |> String.concat "/"

                match ObjectKey.create prefix cellId artifact with
                | Ok key ->
                    Expect.equal (ObjectKey.value key) expected "the key"
                    Expect.isTrue (Encoding.UTF8.GetByteCount expected <= 1024) "at most 1,024 bytes"
                    let destination = Destination.create bucket key |> Destination.value
                    Expect.equal destination $"s3://{Bucket.value bucket}/{expected}" "the address"
                | Error refusal ->
                    Expect.isTrue (Encoding.UTF8.GetByteCount expected > 1024) "only long keys are refused"
                    Expect.stringContains refusal.Message "1024" "the message names the limit")

        table
            "1,024 bytes are a key, one more is none"
            [ 1020, true; 1021, false ]
            (fun (prefixLength, _) ->
                match KeyPrefix.create (length prefixLength), ArtifactName.create "a" with
                | Ok prefix, Ok artifact -> (ObjectKey.create prefix cell artifact).IsOk
                | _ -> failwith "the prefix is valid")
            snd
    ]
