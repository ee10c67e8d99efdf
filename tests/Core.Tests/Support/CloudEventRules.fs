/// The rules of CloudEvents 1.0.2 and of its JSON format, as the specification states them: written from there, not from
/// the code that is tested.
module CellOS.Export.S3.Core.Tests.CloudEventRules

open System
open System.Globalization
open System.Text.Json
open System.Text.RegularExpressions
open Expecto
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.UriRules

/// "Type System", String: the three kinds of code points that are disallowed.
let stringProblem (text: string) =
    let isHalf i =
        Char.IsSurrogate text[i]
        && not (i + 1 < text.Length && Char.IsSurrogatePair(text[i], text[i + 1]))
        && not (i > 0 && Char.IsSurrogatePair(text[i - 1], text[i]))

    let isControl (c: char) =
        c <= '\u001f' || c >= '\u007f' && c <= '\u009f'

    let noncharacters =
        Set.ofList (
            [ 0xfdd0..0xfdef ]
            @ [
                for plane in 0..16 do
                    yield! [ plane * 0x10000 + 0xfffe; plane * 0x10000 + 0xffff ]
            ]
        )

    if text |> Seq.exists isControl then
        Some "a control character"
    elif Seq.exists isHalf (seq { 0 .. text.Length - 1 }) then
        Some "half of a surrogate pair"
    elif
        text.EnumerateRunes()
        |> Seq.exists (fun rune -> noncharacters.Contains rune.Value)
    then
        Some "a noncharacter"
    else
        None

/// RFC 3339, 5.6, and a day that there is.
let isTimestamp (text: string) =
    Regex.IsMatch(text, @"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\z")
    && fst (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None))

/// RFC 2046, 1, and RFC 2045, 5.1: type and subtype, parameters after that.
let private isMediaType (text: string) =
    let token = @"[A-Za-z0-9!#$%&'*+\-.^_`{|}~]+"
    Regex.IsMatch(text, $@"\A{token}/{token}(\s*;\s*{token}=({token}|""[^""]*""))*\z")

let private required = [ "id"; "source"; "specversion"; "type" ]

/// What is wrong with an event; empty for nothing.
let problems (event: string) : string list =
    let fields =
        JsonDocument.Parse(event).RootElement.EnumerateObject()
        |> Seq.map (fun field -> field.Name, field.Value)
        |> List.ofSeq

    let attributes =
        fields |> List.filter (fun (name, _) -> name <> "data" && name <> "data_base64")

    let text (value: JsonElement) = string (value.GetString())

    [
        for name, many in fields |> List.countBy fst do
            if many > 1 then
                $"{name} is there {many} times"

        for name in required do
            if not (List.exists (fun (known, _) -> known = name) attributes) then
                $"{name} is missing"

        for name, value in attributes do
            // "Naming Conventions"
            if not (Regex.IsMatch(name, @"\A[a-z0-9]{1,20}\z")) then
                $"{name} is no name"

            // JSON format, 2.2: all that this library gives are strings; so are all that the specification has.
            if value.ValueKind <> JsonValueKind.String then
                $"{name} is no string"
            else
                match stringProblem (text value) with
                | Some problem -> $"{name} holds {problem}"
                | None -> ()

                match name, text value with
                | _, "" -> $"{name} is empty"
                | "specversion", value when value <> "1.0" -> $"specversion is {value}"
                | "source", value when not (isReference value) -> $"source is no URI-reference: {value}"
                | "dataschema", value when not (isUri value) -> $"dataschema is no URI: {value}"
                | "time", value when not (isTimestamp value) -> $"time is none: {value}"
                | "datacontenttype", value when not (isMediaType value) -> $"no media type: {value}"
                | _ -> ()

        // JSON format, 3.1.1
        if List.length fields - List.length attributes > 1 then
            "data is there twice"
    ]

let private event (field: string) =
    """{"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","id":"A234-1234-1234"""
    + $"\"{field}}}"

[<Tests>]
let tests =
    testList "the rules of CloudEvents" [
        table
            "accept what the specification shows"
            [
                ""
                ",\"subject\":\"123\",\"time\":\"2018-04-05T17:31:00Z\",\"datacontenttype\":\"text/xml\",\"data\":\"<x/>\""
                ",\"datacontenttype\":\"application/json\",\"data\":{\"appinfoA\":\"abc\",\"appinfoB\":123}"
                ",\"datacontenttype\":\"application/vnd.apache.thrift.binary\",\"data_base64\":\"AAAA\""
                ",\"comexampleextension1\":\"value\",\"data\":null"
                ",\"subject\":\"\\uD800\\uDEAD\""
            ]
            (event >> problems)
            (fun _ -> [])

        table
            "refuse what it does not allow"
            [
                ",\"time\":\"yesterday\""
                ",\"time\":\"2026-02-30T12:00:00Z\""
                ",\"subject\":\"\""
                ",\"subject\":\"a\\u0000\""
                ",\"subject\":\"\\u007f\""
                ",\"subject\":\"\\u0085\""
                ",\"subject\":\"\\uffff\""
                ",\"subject\":\"\\ufdd0\""
                ",\"subject\":\"\\ud83f\\udffe\""
                ",\"dataschema\":\"/relative\""
                ",\"datacontenttype\":\"json\""
                ",\"id\":\"twice\""
                ",\"Subject\":\"a\""
                ",\"sub_ject\":\"a\""
                ",\"data\":1,\"data_base64\":\"AAAA\""
            ]
            (fun field -> List.length (problems (event field)) > 0)
            (fun _ -> true)

        testCase "know halves of surrogate pairs" (fun () ->
            // A literal cannot hold them.
            let high, low = string (char 0xd83d), string (char 0xdc00)

            for text in [ high; $"a{low}b"; low + high; high + high + low ] do
                Expect.equal (stringProblem text) (Some "half of a surrogate pair") "a half"

            Expect.isNone (stringProblem "a👩‍🚀b") "pairs")

        testCase "miss what is missing" (fun () ->
            Expect.hasLength (problems "{}") 4 "the four that are required"

            Expect.equal
                (problems ((event "").Replace("1.0", "0.3")))
                [ "specversion is 0.3" ]
                "another version"

            Expect.equal
                (problems ((event "").Replace("/mycontext", "a b")))
                [ "source is no URI-reference: a b" ]
                "no source")

        table
            "know URI-references"
            [
                "https://github.com/cloudevents", true
                "mailto:cncf-wg-serverless@lists.cncf.io", true
                "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", true
                "/cloudevents/spec/pull/123", true
                "/sensors/tn-1234567/alerts", true
                "1-555-123-4567", true
                "s3://bucket/a/%C3%A9", true
                "", true
                "/cells/a b", false
                "/cells/é", false
                "/cells/%", false
                "/cells/%zz", false
                "/cells/[x]", false
                "/cells/a\n", false
                "1:2", false
            ]
            (fst >> isReference)
            snd
    ]
