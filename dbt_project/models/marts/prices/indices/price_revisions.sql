with revisions as (

    select * from {{ source('analysis', 'figure_revisions') }}

),

names as (

    {{ level_names() }}

),

final as (

    select
        revisions.level,
        revisions.code,
        names.name,
        revisions.recipe,
        revisions.method,
        revisions.scope,
        revisions.frequency,
        revisions.period,
        revisions.revision,
        revisions.vintage,
        revisions.old_index,
        revisions.new_index,
        revisions.kinds,
        revisions.reason,
        revisions.data_origin
    from revisions
    left join names
        on
            revisions.level = names.level
            and revisions.code = names.code

)

select * from final
