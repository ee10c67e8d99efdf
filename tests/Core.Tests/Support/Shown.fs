/// All the ways in which a value can be shown to somebody.
module CellOS.Export.S3.Core.Tests.Shown

open System
open System.Collections
open System.Reflection
open System.Text.Json

let private json (value: objnull) =
    try
        JsonSerializer.Serialize value
    with
    | :? NotSupportedException
    | :? InvalidOperationException -> ""

/// The texts of a value's public properties and fields, and of theirs.
let rec private members (depth: int) (value: objnull) : string list =
    match value with
    | null -> []
    | :? string as text -> [ text ]
    | :? Type
    | :? Delegate -> []
    | :? DateTimeOffset
    | :? TimeSpan -> []
    | value when value.GetType().IsPrimitive || value.GetType().IsEnum || depth = 0 -> [ string value ]
    | :? IEnumerable as items -> [ for item in items -> item ] |> List.collect (members (depth - 1))
    | value ->
        let flags = BindingFlags.Public ||| BindingFlags.Instance

        let read (get: obj -> objnull) : objnull =
            try
                get value
            with :? TargetInvocationException ->
                null

        let texts = [
            for property in value.GetType().GetProperties flags do
                if property.GetIndexParameters().Length = 0 then
                    yield! members (depth - 1) (read (fun item -> property.GetValue item))

            for field in value.GetType().GetFields flags do
                yield! members (depth - 1) (read field.GetValue)
        ]

        string value :: texts

/// `ToString`, every format of F#, JSON, and all public members.
let everyWay (value: 'a when 'a: not null) : string list =
    let boxed = box value

    [ string boxed; $"%A{value}"; $"%+A{value}"; $"%O{value}"; json boxed ]
    @ members 8 boxed
