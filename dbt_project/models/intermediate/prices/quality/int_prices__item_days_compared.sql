select
    usual.data_origin,
    usual.collected_on,
    usual.retailer,
    usual.item_number,
    usual.products,
    usual.expected_products,
    usual.status,
    usual.reason,
    usual.decision_id,
    usual.enters,
    usual.history_days,
    usual.usual_basis,
    usual.usual_products,
    usual.products_mad,
    usual.robust_z,
    usual.unit_price_share,
    usual.usual_unit_price_share,
    usual.promotion_share,
    usual.usual_promotion_share,
    usual.product_id_share,
    usual.usual_product_id_share,
    usual.repeated_share,
    usual.usual_repeated_share,
    usual.ambiguous_share,
    usual.usual_ambiguous_share,
    usual.out_of_stock_share,
    usual.new_products,
    usual.new_share,
    usual.usual_new_share,
    usual.lost_products,
    usual.lost_share,
    usual.usual_lost_share,
    usual.price_changes,
    unchanged.unchanged_days,
    unchanged.longest_elsewhere_days,
    unchanged.unchanged_share_elsewhere,
    unchanged.moving_days
from {{ ref('int_prices__item_days_usual') }} as usual
left join {{ ref('int_prices__unchanged_days_counted') }} as unchanged
    on
        usual.data_origin = unchanged.data_origin
        and usual.retailer = unchanged.retailer
        and usual.item_number = unchanged.item_number
        and usual.collected_on = unchanged.collected_on
