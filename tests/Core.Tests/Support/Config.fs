/// How often a property is tried, and how it is named.
module CellOS.Export.S3.Core.Tests.Config

open System
open Expecto
open FsCheck
open FsCheck.FSharp

/// `FSCHECK_MAX_TEST` raises (or lowers) the count of every property.
let private asked =
    match Int32.TryParse(Environment.GetEnvironmentVariable "FSCHECK_MAX_TEST") with
    | true, count when count > 0 -> Some count
    | _ -> None

/// A property over generated values, tried so many times unless the environment says otherwise.
let propertyTimes (times: int) (name: string) (values: Gen<'a>) (holds: 'a -> unit) =
    let config = {
        FsCheckConfig.defaultConfig with
            maxTest = asked |> Option.defaultValue times
    }

    testPropertyWithConfig config name (Prop.forAll (Arb.fromGen values) holds)

/// A property over generated values, tried 100 times unless the environment says otherwise.
let property name values holds = propertyTimes 100 name values holds

/// A table: one test that shows all rows that do not hold.
let table (name: string) (rows: 'row list) (actual: 'row -> 'value) (expected: 'row -> 'value) =
    testCase name (fun () ->
        let wrong =
            rows
            |> List.choose (fun row ->
                let was, wanted = actual row, expected row
                if was = wanted then None else Some(row, was, wanted))

        match wrong with
        | [] -> ()
        | wrong ->
            wrong
            |> List.map (fun (row, was, wanted) -> $"%A{row}\n  was      %A{was}\n  expected %A{wanted}")
            |> String.concat "\n"
            |> failtestf "%d of %d rows differ:\n%s" wrong.Length rows.Length)
